"""A picture that comes in leaves without place, time, trailing bytes or size."""

from __future__ import annotations

import io

import pytest

Image = pytest.importorskip("PIL.Image")

from adapters.pictures import LONGEST_SIDE, NotAPicture, clean_jpeg  # noqa: E402 (needs the library)

SECRET = b"Chongqing 29.5630N"


def a_photo(size: tuple[int, int] = (400, 300), *, orientation: int = 1) -> bytes:
    """A JPEG as a telephone makes it: with its place, its time and a comment, and something behind its end."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    exif[0x010E] = SECRET.decode()
    exif[0x0132] = "2026:11:23 10:00:00"
    place = exif.get_ifd(0x8825)
    place[1], place[2], place[3], place[4] = "N", (29.0, 33.0, 46.8), "E", (106.0, 33.0, 3.6)
    out = io.BytesIO()
    Image.new("RGB", size, "teal").save(out, "JPEG", exif=exif, comment=SECRET)
    return out.getvalue() + SECRET


def test_nothing_but_pixels_is_left():
    raw = a_photo()
    with Image.open(io.BytesIO(raw)) as before:
        assert before.getexif().get_ifd(0x8825), "the photo must carry a place, or this proves nothing"
    clean = clean_jpeg(raw)
    assert SECRET in raw
    assert SECRET not in clean
    assert b"Exif" not in clean
    with Image.open(io.BytesIO(clean)) as after:
        assert not after.getexif()
        assert not after.getexif().get_ifd(0x8825)
        assert set(after.info) <= {"jfif", "jfif_version", "jfif_unit", "jfif_density", "progressive", "progression"}
        assert after.size == (400, 300)


def test_a_large_photo_becomes_small_and_stands_upright():
    clean = clean_jpeg(a_photo((4000, 2000), orientation=6))
    with Image.open(io.BytesIO(clean)) as after:
        assert after.size == (800, 1600)
        assert max(after.size) <= LONGEST_SIDE
    assert len(clean) < 100_000


def test_a_picture_with_see_through_parts_becomes_white_paper():
    out = io.BytesIO()
    Image.new("RGBA", (8, 8), (0, 0, 0, 0)).save(out, "PNG")
    with Image.open(io.BytesIO(clean_jpeg(out.getvalue()))) as after:
        assert after.getpixel((4, 4)) == (255, 255, 255)


@pytest.mark.parametrize("data", [b"", b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"GIF89a", a_photo()[:300]])
def test_what_is_no_picture_of_a_known_kind_is_refused(data):
    with pytest.raises(NotAPicture):
        clean_jpeg(data)


def test_a_bomb_of_pixels_is_refused_before_it_is_drawn():
    out = io.BytesIO()
    Image.new("1", (30_000, 30_000)).save(out, "PNG")
    assert len(out.getvalue()) < 1_000_000
    with pytest.raises(NotAPicture):
        clean_jpeg(out.getvalue())

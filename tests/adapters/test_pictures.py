"""A picture that comes in leaves without place, time, trailing bytes or size."""

from __future__ import annotations

import io
import random
import warnings
import zlib

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


def _drawn(kind: str, size: tuple[int, int] = (8, 8), **options: object) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", size, "teal").save(out, kind, **options)
    return out.getvalue()


def _flood(kind: str, side: int) -> bytes:
    out = io.BytesIO()
    Image.new("1" if kind == "PNG" else "L", (side, side)).save(out, kind)
    return out.getvalue()


def _png(*, width: int = 8, height: int = 8) -> bytes:
    """A PNG whose head says another size than its pixels have."""
    data = bytearray(_drawn("PNG"))
    data[16:24] = width.to_bytes(4, "big") + height.to_bytes(4, "big")
    data[29:33] = zlib.crc32(bytes(data[12:29])).to_bytes(4, "big")
    return bytes(data)


GOOD = {kind: _drawn(kind, (64, 64)) for kind in ("JPEG", "PNG", "WEBP")}
BAD: dict[str, bytes] = {
    "nothing": b"",
    "one byte": b"\xff",
    "words": b"not a picture",
    "zeros": bytes(5_000),
    "svg": b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>",
    "svg with a head": b"<?xml version='1.0'?><svg onload='alert(1)'/>",
    "html": b"<html><script>alert(1)</script></html>",
    "php": b"<?php system('id'); ?>",
    "shell": b"#!/bin/sh\nid\n",
    "pdf": b"%PDF-1.7\n1 0 obj<</JS(app.alert(1))>>",
    "postscript": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\nshowpage",
    "zip": b"PK\x03\x04" + bytes(60),
    "gzip": b"\x1f\x8b\x08" + bytes(60),
    "elf": b"\x7fELF" + bytes(60),
    "exe": b"MZ" + bytes(60),
    "gif": _drawn("GIF"),
    "bmp": _drawn("BMP"),
    "tiff": _drawn("TIFF"),
    "ico": _drawn("ICO", (16, 16)),
    "ppm": _drawn("PPM"),
    "tga": _drawn("TGA"),
    "pcx": _drawn("PCX"),
    "sgi": _drawn("SGI"),
    "icns": _drawn("ICNS", (16, 16)),
    "jpeg 2000": b"\x00\x00\x00\x0cjP  \r\n\x87\n" + bytes(60),
    "heic": b"\x00\x00\x00\x18ftypheic" + bytes(60),
    "avif": b"\x00\x00\x00\x18ftypavif" + bytes(60),
    "psd": b"8BPS\x00\x01" + bytes(60),
    "mp4": b"\x00\x00\x00\x18ftypmp42" + bytes(60),
    "wav in a webp's coat": b"RIFF\x24\x00\x00\x00WAVEfmt " + bytes(60),
    "only a jpeg's head": b"\xff\xd8\xff\xe0",
    "only a png's head": b"\x89PNG\r\n\x1a\n",
    "only a webp's head": b"RIFF\x10\x00\x00\x00WEBPVP8 ",
    "half a png": GOOD["PNG"][: len(GOOD["PNG"]) // 2],
    "half a jpeg": GOOD["JPEG"][:200],
    "half a webp": GOOD["WEBP"][: len(GOOD["WEBP"]) // 2],
    "a png of no width": _png(width=0),
    "a png of no height": _png(height=0),
    "a png that says it is endless": _png(width=2**31 - 1, height=2**31 - 1),
    "a png that says it is wide": _png(width=10**8, height=1),
    "words before a jpeg": b"GIF89a/*" + GOOD["JPEG"],
    "html before a png": b"<script>alert(1)</script>" + GOOD["PNG"],
}
BOMBS = {"a bomb of 20,000 squared": ("PNG", 20_000), "a jpeg bomb": ("JPEG", 9_000)}
"""Drawn in their test only: they take a second."""


@pytest.mark.threat("T16")
@pytest.mark.parametrize("name", [*BAD, *BOMBS])
def test_a_bad_file_is_refused(name: str) -> None:
    bad = _flood(*BOMBS[name]) if name in BOMBS else BAD[name]
    with pytest.raises(NotAPicture):
        clean_jpeg(bad)


def test_there_are_at_least_forty_bad_files() -> None:
    assert len(set(BAD.values())) + len(BOMBS) >= 40


@pytest.mark.threat("T16")
@pytest.mark.parametrize("kind", GOOD)
@pytest.mark.parametrize(
    "tail", [b"PK\x03\x04payload", b"<?php payload ?>", b"<script>payload</script>", b"%PDF payload"]
)
def test_what_hangs_behind_a_picture_is_gone(kind: str, tail: bytes) -> None:
    clean = clean_jpeg(GOOD[kind] + tail)
    assert b"payload" not in clean
    assert clean.startswith(b"\xff\xd8\xff")


@pytest.mark.threat("T16")
def test_two_thousand_damaged_pictures_are_drawn_anew_or_refused_and_never_a_fault() -> None:
    chance, drawn, refused = random.Random(7), 0, 0
    for number in range(2_000):
        data = bytearray(GOOD[("JPEG", "PNG", "WEBP")[number % 3]])
        for _ in range(chance.randint(1, 8)):
            data[chance.randrange(len(data))] = chance.randrange(256)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                assert clean_jpeg(bytes(data)).startswith(b"\xff\xd8\xff")
                drawn += 1
            except NotAPicture:
                refused += 1
    assert drawn + refused == 2_000
    assert min(drawn, refused) > 100

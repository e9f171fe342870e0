"""A picture from a telephone, made harmless: drawn anew as a JPEG, small, without where and when it was taken.

Enters: the bytes of an upload that claims to be a picture. Leaves: the bytes of a JPEG of at most 1600 pixels a side
that holds nothing but its pixels: no EXIF, no place, no profile, no trailing bytes. Called by the room of proofs.
"""

from __future__ import annotations

import io
from typing import Final

LONGEST_SIDE: Final = 1600
MOST_PIXELS: Final = 60_000_000
MOST_BYTES: Final = 700_000
QUALITIES: Final = (82, 70, 55, 40)
KINDS: Final = ("JPEG", "PNG", "WEBP")


class NotAPicture(ValueError):
    """The bytes are no picture of a known kind, are damaged, or are far too large."""


def clean_jpeg(data: bytes, /) -> bytes:
    """Draw the picture anew.

    Raises
    ------
    NotAPicture
        It cannot be read as JPEG, PNG or WEBP, or has more than `MOST_PIXELS` pixels.
    """
    from PIL import Image, ImageOps  # a start without pictures needs no picture library

    try:
        with Image.open(io.BytesIO(data), formats=KINDS) as opened:
            if opened.width * opened.height > MOST_PIXELS:
                raise NotAPicture("too many pixels")
            upright = ImageOps.exif_transpose(opened)
            upright.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
            pixels = Image.new("RGB", upright.size, "white")
            seen = upright.convert("RGBA")
            pixels.paste(seen, mask=seen.getchannel("A"))
    except NotAPicture:
        raise
    except (
        OSError,
        ValueError,
        SyntaxError,
        MemoryError,
        Image.DecompressionBombError,
        Image.DecompressionBombWarning,
    ) as error:
        raise NotAPicture("not a readable picture") from error
    for quality in QUALITIES:
        out = io.BytesIO()
        pixels.save(out, "JPEG", quality=quality, optimize=True)
        if out.tell() <= MOST_BYTES:
            return out.getvalue()
    raise NotAPicture("too large even when drawn anew")

"""Reads the type and the dimensions of an image from the start of its bytes. The pixels are not decoded."""

import re
import struct
from typing import NamedTuple

_JPEG_FRAMES = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}
"""The markers of the segments with a JPEG image's dimensions: SOF0 to SOF15, without the tables between them."""
_JPEG_ALONE = {0x01, *range(0xD0, 0xD9)}
"""The markers that have no segment."""
_JPEG_MARK = re.compile(rb"\xff+")
_MAX_PARTS = 4_000
"""The maximum number of segments or blocks before the dimensions. Metadata needs far fewer, and more take long."""


class ImageHeader(NamedTuple):
    """What the start of an image says: its type, and its dimensions in pixels."""

    media_type: str
    width: int
    height: int


def read_header(data: bytes) -> ImageHeader | None:
    """Returns the header of a PNG, JPEG, GIF or WebP image, None for other data or an incomplete header."""
    try:
        if data.startswith(b"\x89PNG\r\n\x1a\n"):
            return _read_png(data)
        if data.startswith((b"GIF87a", b"GIF89a")):
            return _read_gif(data)
        if data.startswith(b"\xff\xd8\xff"):
            return _read_jpeg(data)
        if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
            return _read_webp(data)
    except struct.error:  # the data ends too early
        return None
    return None


def _read_png(data: bytes) -> ImageHeader | None:
    """Raises `struct.error` if the data ends before the dimensions."""
    kind, width, height = struct.unpack_from(">4sII", data, 12)
    return ImageHeader("image/png", width, height) if kind == b"IHDR" else None


def _read_gif(data: bytes) -> ImageHeader | None:
    """Returns the dimensions of the first picture, if it exceeds those of the whole image, which decoders then enlarge.

    Raises `struct.error` if the data ends before the first picture.
    """
    width, height, flags = struct.unpack_from("<HHB", data, 6)
    at = 13 + (3 << (flags & 7) + 1 if flags & 0x80 else 0)  # behind the colors
    is_extension = False
    for _ in range(_MAX_PARTS):
        (kind,) = struct.unpack_from("<B", data, at)
        if is_extension:
            at += 1 + kind  # the length of a block
            is_extension = kind > 0
        elif kind == 0x21:
            at += 2
            is_extension = True
        elif kind == 0x2C:
            left, top, picture_width, picture_height = struct.unpack_from("<HHHH", data, at + 1)
            return ImageHeader("image/gif", max(width, left + picture_width), max(height, top + picture_height))
        elif kind == 0x3B:  # the end
            return None
        else:  # decoders ignore other bytes between blocks
            at += 1
    return None


def _read_jpeg(data: bytes) -> ImageHeader | None:
    """Raises `struct.error` if the data ends before the dimensions."""
    at = 2
    for _ in range(_MAX_PARTS):
        mark = _JPEG_MARK.match(data, at)
        if mark is None:
            return None
        at = mark.end()
        (kind,) = struct.unpack_from(">B", data, at)
        if kind in _JPEG_ALONE:
            at += 1
        elif kind in _JPEG_FRAMES:
            height, width = struct.unpack_from(">HH", data, at + 4)
            return ImageHeader("image/jpeg", width, height)
        else:
            (length,) = struct.unpack_from(">H", data, at + 1)
            if length < 2:  # it counts itself
                return None
            at += 1 + length
    return None


def _read_webp(data: bytes) -> ImageHeader | None:
    """Raises `struct.error` if the data ends before the dimensions."""
    kind = data[12:16]
    if kind == b"VP8 ":
        start, width, height = struct.unpack_from("<3sHH", data, 23)
        if start != b"\x9d\x01\x2a":
            return None
        return ImageHeader("image/webp", width & 0x3FFF, height & 0x3FFF)
    if kind == b"VP8L":
        start, bits = struct.unpack_from("<BI", data, 20)
        if start != 0x2F:
            return None
        return ImageHeader("image/webp", (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1)
    if kind == b"VP8X":
        struct.unpack_from("<6x", data, 24)
        width, height = (int.from_bytes(data[at : at + 3], "little") + 1 for at in (24, 27))
        return ImageHeader("image/webp", width, height)
    return None

"""Reads the type and the dimensions of an image from the start of its bytes. The pixels are not decoded."""

import struct
from typing import NamedTuple

_JPEG_FRAMES = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}
"""The markers of the segments with a JPEG image's dimensions: SOF0 to SOF15, without the tables between them."""
_JPEG_ALONE = {0x01, *range(0xD0, 0xD9)}
"""The markers that have no segment."""


class ImageHeader(NamedTuple):
    """What the start of an image says: its type, and its dimensions in pixels."""

    media_type: str
    width: int
    height: int


def read_header(data: bytes) -> ImageHeader | None:
    """Returns the header of a PNG, JPEG, GIF or WebP image, None for other data or an incomplete header."""
    try:
        if data.startswith(b"\x89PNG\r\n\x1a\n"):
            return ImageHeader("image/png", *struct.unpack_from(">II", data, 16))
        if data.startswith((b"GIF87a", b"GIF89a")):
            return ImageHeader("image/gif", *struct.unpack_from("<HH", data, 6))
        if data.startswith(b"\xff\xd8\xff"):
            return _read_jpeg(data)
        if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
            return _read_webp(data)
    except struct.error:  # the data ends too early
        return None
    return None


def _read_jpeg(data: bytes) -> ImageHeader | None:
    """Raises `struct.error` if the data ends before the dimensions."""
    at = 2
    while True:
        mark, kind = struct.unpack_from(">BB", data, at)
        if mark != 0xFF:
            return None
        if kind == 0xFF:  # padding
            at += 1
        elif kind in _JPEG_ALONE:
            at += 2
        elif kind in _JPEG_FRAMES:
            height, width = struct.unpack_from(">HH", data, at + 5)
            return ImageHeader("image/jpeg", width, height)
        else:
            (length,) = struct.unpack_from(">H", data, at + 2)
            at += 2 + length


def _read_webp(data: bytes) -> ImageHeader | None:
    """Raises `struct.error` if the data ends before the dimensions."""
    kind = data[12:16]
    if kind == b"VP8 ":
        width, height = struct.unpack_from("<HH", data, 26)
        return ImageHeader("image/webp", width & 0x3FFF, height & 0x3FFF)
    if kind == b"VP8L":
        (bits,) = struct.unpack_from("<I", data, 21)
        return ImageHeader("image/webp", (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1)
    if kind == b"VP8X":
        struct.unpack_from("<6x", data, 24)
        width, height = (int.from_bytes(data[at : at + 3], "little") + 1 for at in (24, 27))
        return ImageHeader("image/webp", width, height)
    return None

"""Undoes the encoding of a request body: its compression, and its Unicode encoding.

JSON should be UTF-8 (RFC 8259), but some tools put a byte order mark before it, write UTF-16, or compress it. A format
that can be recognised with certainty is decoded. Any other format is refused with an explanation.
"""

import json
import zlib

from shared.models.errors import InvalidInput, TooLarge

_WINDOWS = {"gzip": 31, "x-gzip": 31, "deflate": 47}
"""zlib's window settings: gzip only, or automatic detection of the format."""
_MAX_SHOWN = 100
MAX_MEMBERS = 100
"""The maximum number of members in a compressed stream. Decompressing a member copies the rest of the stream, so the
work grows quadratically."""
_GZIP_MAGIC, _ZSTD_MAGIC = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"


def decompress(body: bytes, encoding: str, limit: int) -> bytes:
    """Undoes the `Content-Encoding` of the body. Never produces more than `limit` + 1 bytes.

    Raises `TooLarge`, and `InvalidInput` for an unknown encoding or one that does not match the body.
    """
    name = encoding.strip().lower()
    if name in ("", "identity"):
        return body
    if name not in _WINDOWS:
        raise _unreadable_error(
            f"The body's Content-Encoding {name[:_MAX_SHOWN]!r} is not supported. Use gzip, deflate, or none."
        )
    try:
        plain = _inflate(body, _WINDOWS[name], limit + 1)
    except zlib.error as error:
        raise _unreadable_error(f"The body is not in the format {name}, which its Content-Encoding names.") from error
    if len(plain) > limit:
        raise TooLarge(f"The decompressed request body has more than {limit} bytes, which is the limit. Send less.")
    return plain


def _inflate(body: bytes, window: int, max_size: int) -> bytes:
    """Decompresses all members of a stream, up to `max_size` bytes. Raises `InvalidInput` for too many members."""
    plain = bytearray()
    members = 0
    while body and len(plain) < max_size:
        members += 1
        if members > MAX_MEMBERS:
            raise _unreadable_error(
                f"The compressed body may have at most {MAX_MEMBERS} parts. Compress it as a whole."
            )
        member = zlib.decompressobj(window)
        plain += member.decompress(body, max_size - len(plain))
        if not member.eof and len(plain) < max_size:
            raise zlib.error("cut off")
        body = member.unused_data
    return bytes(plain)


def to_utf8(body: bytes) -> bytes:
    """Converts JSON from any of Unicode's encodings to UTF-8, without a byte order mark.

    Raises `ValueError`, which names the body's actual encoding if it can be recognised.
    """
    if body.startswith(_GZIP_MAGIC):
        raise ValueError("it is compressed with gzip. Send it with 'Content-Encoding: gzip', or uncompressed")
    if body.startswith(_ZSTD_MAGIC):
        raise ValueError("it is compressed with zstd. Send it uncompressed, or compressed with gzip")
    encoding = json.detect_encoding(body)
    if encoding == "utf-8":
        return body
    try:
        return body.decode(encoding).encode()
    except UnicodeDecodeError as error:
        raise ValueError(f"it looks like {encoding.upper()}, but byte {error.start} is invalid") from error


def explain_not_utf8(body: bytes) -> str | None:
    """Explains why a body is not valid UTF-8. Returns None if it is."""
    try:
        body.decode()
    except UnicodeDecodeError as error:
        return f"it is not valid UTF-8: byte {error.start} is invalid. Send it in UTF-8"
    return None


def _unreadable_error(message: str) -> InvalidInput:
    return InvalidInput([("encoding", (), message)])

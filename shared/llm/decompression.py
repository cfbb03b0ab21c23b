"""Decompresses responses, whose size the provider cannot choose: the caller stops reading at its own limit."""

import zlib
from collections.abc import AsyncIterator

import httpx

_CHUNK_BYTES = 64 * 1024
_MAX_MEMBERS = 100
"""The maximum number of members in a gzip body. Starting one takes as long as reading many bytes."""


async def decompress(response: httpx.Response) -> AsyncIterator[bytes]:
    """Yields the decompressed body in small chunks, because a small compressed chunk may expand to gigabytes."""
    encoding = response.headers.get("content-encoding", "identity").strip().lower()
    if encoding not in ("identity", "", "gzip", "x-gzip", "deflate"):
        raise httpx.DecodingError(f"the encoding {encoding[:20]} is unknown")
    decompressor = None if encoding in ("identity", "") else zlib.decompressobj(zlib.MAX_WBITS | 32)
    members = 1
    stream = response.stream
    assert isinstance(stream, httpx.AsyncByteStream)  # noqa: S101 - asynchronous transports always return one
    async for raw in stream:
        if decompressor is None:
            for start in range(0, len(raw), _CHUNK_BYTES):
                yield raw[start : start + _CHUNK_BYTES]
            continue
        while raw:
            if decompressor.eof:  # gzip allows several members, which are joined
                members += 1
                if members > _MAX_MEMBERS:
                    raise httpx.DecodingError(f"the gzip data has more than {_MAX_MEMBERS} members")
                decompressor = zlib.decompressobj(zlib.MAX_WBITS | 32)
            try:
                chunk = decompressor.decompress(raw, _CHUNK_BYTES)
            except zlib.error as error:
                raise httpx.DecodingError("the gzip data is invalid") from error
            raw = decompressor.unused_data if decompressor.eof else decompressor.unconsumed_tail
            if chunk:
                yield chunk

"""Serves static files. Each file is read once, and its ETag is a digest of its contents.

Starlette's own ETag is derived from a file's time and size, but all files of a deployed function have the same time.
"""

from collections.abc import Mapping
from functools import cache
from hashlib import sha256
from pathlib import Path

from fastapi import Request, Response

from shared.models.errors import NotFound

_TYPES = {
    ".css": "text/css",
    ".html": "text/html",
    ".js": "text/javascript",
    ".json": "application/json",
    ".png": "image/png",
}


@cache
def _read(path: Path) -> tuple[bytes, str]:
    """Returns a file's contents and ETag, cached for the lifetime of the process."""
    content = path.read_bytes()
    return content, f'"{sha256(content).hexdigest()[:32]}"'


def serve_file(request: Request, path: Path, seconds: int, headers: Mapping[str, str] | None = None) -> Response:
    """Returns the file, or 304 to a caller that already has it. It may be cached for `seconds` without revalidation.

    Raises `NotFound` if the file does not exist.
    """
    try:
        content, tag = _read(path)
    except FileNotFoundError as error:
        raise NotFound(f"There is no file {path.name}.") from error
    response_headers = {
        "Cache-Control": f"public, max-age={seconds}",
        "ETag": tag,
        "X-Content-Type-Options": "nosniff",
        **(headers or {}),
    }
    if _is_cached(request.headers.get("if-none-match", ""), tag):
        return Response(status_code=304, headers=response_headers)
    return Response(content, media_type=_TYPES[path.suffix], headers=response_headers)


def _is_cached(if_none_match: str, tag: str) -> bool:
    """Compares weakly, because a proxy that compresses the file makes the tag weak."""
    return any(known.strip().removeprefix("W/") in (tag, "*") for known in if_none_match.split(","))

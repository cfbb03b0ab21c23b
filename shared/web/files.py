"""Files that a function serves as they are: read once, and known by a digest of their contents.

Starlette's own ETag is made of a file's time and size, and the time is the same for all files of a deployed function.
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
    """What the file holds, and its ETag. Kept for as long as the process lives."""
    content = path.read_bytes()
    return content, f'"{sha256(content).hexdigest()[:32]}"'


def serve_file(request: Request, path: Path, seconds: int, headers: Mapping[str, str] | None = None) -> Response:
    """The file, or 304 to who has it already. `seconds`: how long anybody may keep it without asking again.

    Raises `NotFound` where there is none.
    """
    try:
        content, tag = _read(path)
    except FileNotFoundError as error:
        raise NotFound(f"There is no file {path.name}.") from error
    told = {
        "Cache-Control": f"public, max-age={seconds}",
        "ETag": tag,
        "X-Content-Type-Options": "nosniff",
        **(headers or {}),
    }
    if _is_cached(request.headers.get("if-none-match", ""), tag):
        return Response(status_code=304, headers=told)
    return Response(content, media_type=_TYPES[path.suffix], headers=told)


def _is_cached(if_none_match: str, tag: str) -> bool:
    """Weak or strong: who compresses on the way makes it weak."""
    return any(known.strip().removeprefix("W/") in (tag, "*") for known in if_none_match.split(","))

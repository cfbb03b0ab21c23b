"""Maps the different forms of a request's path to the route's form.

Hosting sends `/api/chat/7` and `/chat/7`, a function's run.app address keeps the full path, and its cloudfunctions.net
address strips the function's name, so that `/chat/7` arrives as `/7`. All these forms become the path in the code.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import TypeVar

from starlette.types import Scope

T = TypeVar("T")
PREFIX = "/api"
MAX_PATHS = 1024
MAX_LENGTH = 200
"""The maximum length of a remembered path, because callers choose the paths."""


def remember(look_up: Callable[[str], T]) -> Callable[[str], T]:
    """Caches the results for the last `MAX_PATHS` paths of at most `MAX_LENGTH` characters."""
    cached = lru_cache(MAX_PATHS)(look_up)
    return lambda path: cached(path) if len(path) <= MAX_LENGTH else look_up(path)


class PathForms:
    """Rewrites the path: removes `/api` and a trailing slash, and restores the function's name.

    `request.state.original_path` is the path as it arrived.

    `is_route` returns whether a path is one of the application's routes, for any method. If a path becomes a route only
    when the function's name is put before it, it came through cloudfunctions.net. The name is not put before a path
    that already begins with it, because such a path cannot be told from one that was not stripped. Therefore a resource
    with the name of its function, such as a session `sessions`, cannot be reached at that address.
    """

    def __init__(self, function: str, is_route: Callable[[str], bool]) -> None:
        self.function = function
        self.is_route = is_route
        self.canonical = remember(self._find_canonical)
        """Returns the path in the form of routes: no prefix, no trailing slash, and with the function's name."""

    def _find_canonical(self, path: str) -> str:
        if path == PREFIX or path.startswith(f"{PREFIX}/"):
            path = path[len(PREFIX) :]
        path = path.rstrip("/") or "/"
        if self.is_route(path) or f"{path}/".startswith(f"/{self.function}/"):
            return path
        restored = f"/{self.function}{path}".rstrip("/")
        return restored if self.is_route(restored) else path

    def rewrite(self, scope: Scope) -> None:
        """Gives the request its canonical path."""
        path = self.canonical(scope["path"])
        scope.setdefault("state", {})["original_path"] = scope["path"]
        scope.update(path=path, raw_path=path.encode(), root_path="")

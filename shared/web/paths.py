"""One route, four ways to reach it.

Hosting sends `/api/chat/7` and `/chat/7`, a function's run.app address keeps the full path, and its
cloudfunctions.net address strips the function's name, so that `/chat/7` arrives as `/7`. All become the route as
it is written.
"""

from collections.abc import Callable

from starlette.types import ASGIApp, Receive, Scope, Send

PREFIX = "/api"


class PathForms:
    """Rewrites the path: without `/api`, without a trailing slash, and with the function's name put back.

        `request.state.asked_path` is the path as it arrived.

    `is_route` says whether a path is one of the application's routes, for any method. A path that is none as it
        stands, but is one behind the function's name, came through cloudfunctions.net; unless it begins with that name
        itself, as nothing tells it from a path that was never stripped. So what is called as its function (a session
        `sessions`) is not reached at that address.
    """

    def __init__(self, app: ASGIApp, function: str, is_route: Callable[[str], bool]) -> None:
        self.app = app
        self.function = function
        self.is_route = is_route

    def canonical(self, path: str) -> str:
        """The path as routes have it: no prefix, no final slash, the function's name if only that is missing."""
        if path == PREFIX or path.startswith(f"{PREFIX}/"):
            path = path[len(PREFIX) :]
        path = path.rstrip("/") or "/"
        if self.is_route(path) or f"{path}/".startswith(f"/{self.function}/"):
            return path
        named = f"/{self.function}{path}".rstrip("/")
        return named if self.is_route(named) else path

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers the request under its canonical path."""
        if scope["type"] == "http":
            path = self.canonical(scope["path"])
            scope.setdefault("state", {})["asked_path"] = scope["path"]
            scope.update(path=path, raw_path=path.encode(), root_path="")
        await self.app(scope, receive, send)

"""Supports HEAD wherever GET is supported. The response is the same, but without its body."""

from starlette.types import ASGIApp, Message, Receive, Scope, Send


class HeadAsGet:
    """Passes a HEAD request to the application as a GET, and drops the response's body, whatever its status."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handles HEAD as GET, without the body."""
        if scope["type"] != "http" or scope["method"] != "HEAD":
            await self.app(scope, receive, send)
            return

        async def drop_body(message: Message) -> None:
            if message["type"] == "http.response.body":
                message = {**message, "body": b""}
            await send(message)

        scope["method"] = "GET"  # changed in place, since the router adds the route to this scope for the access log
        try:
            await self.app(scope, receive, drop_body)
        finally:
            scope["method"] = "HEAD"

"""What surrounds the handling of every request: its id, log line, limits, headers, and the last catch for exceptions.

One object does this. As a chain of middlewares, each part would wrap the request's messages and search its headers
again, which costs more than the parts' own work.
"""

from collections.abc import Awaitable
from functools import partial

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.models.errors import ServiceError
from shared.settings import Settings
from shared.trace import REQUEST_ID
from shared.web.access_log import AccessLog
from shared.web.address import address_block, find_sender
from shared.web.body import StrictRequest, read_body, replay_body
from shared.web.cors import Cors, JsonCors
from shared.web.errors import RenderError, describe, describe_internal_error, log_unhandled, respond_to
from shared.web.large_bodies import reserve_memory
from shared.web.paths import PathForms
from shared.web.plans import RoutePlan
from shared.web.request_headers import HeaderIndex, index_headers
from shared.web.routing import Routes

_REQUEST_ID = REQUEST_ID.lower().encode()


class Envelope:
    """Handles requests with the plans of their routes, and all others with `app`, which is FastAPI's own router.

    HEAD is handled as GET, with `request.state.is_head`, and its response has no body. Every response has the
    request's id, the headers that `cors` adds, and `Cache-Control: no-store` unless it has its own `Cache-Control`:
    responses are private to their caller, and Hosting would otherwise cache even a 404 for ten minutes.

    All exceptions end here. Otherwise functions-framework would respond with plain text, and report the exception a
    second time.
    """

    def __init__(
        self,
        app: ASGIApp,
        function: str,
        settings: Settings,
        routes: Routes,
        max_body_bytes: int,
        open_prefix: str | None,
        render_error: RenderError,
    ) -> None:
        self._app = app
        self._render_error = render_error
        self._settings = settings
        self._routes = routes
        self._max_body_bytes = max_body_bytes
        self._access_log = AccessLog(function, settings)
        self._paths = PathForms(function, routes.exists)
        self._cors = Cors(settings, open_prefix, self._paths.canonical)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handles the request, and logs it when it is complete."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = index_headers(scope)
        visit = self._access_log.begin(scope, headers)
        is_head = scope["method"] == "HEAD"
        outgoing = _Outgoing(send, visit.request_id, scope if is_head else None)
        if is_head:
            scope["state"]["is_head"] = True
            scope["method"] = "GET"  # changed in place, since the route is added to this scope for the access log
        try:
            await self._handle(scope, receive, outgoing, headers)
        finally:
            if is_head:
                scope["method"] = "HEAD"
            self._access_log.end(visit, outgoing.status or 500)

    async def _handle(self, scope: Scope, receive: Receive, outgoing: "_Outgoing", headers: HeaderIndex) -> None:
        """Responds to the request, whatever happens."""
        if b"origin" in headers:
            sent = Headers(scope=scope)
            rules = self._cors.choose(scope["path"], sent["origin"])
            if scope["method"] == "OPTIONS" and b"access-control-request-method" in headers:
                await rules.preflight_response(sent)(scope, receive, outgoing)
                return
            outgoing.cors = rules, sent
        outgoing.varies = True
        try:
            await self._route(scope, receive, outgoing, headers)
        except ServiceError as error:
            if outgoing.status is None:
                await self._render_error(describe(error))(scope, receive, outgoing)
        except Exception:
            log_unhandled(outgoing.status or 500)
            if outgoing.status is None:
                await self._render_error(describe_internal_error())(scope, receive, outgoing)

    async def _route(self, scope: Scope, receive: Receive, outgoing: "_Outgoing", headers: HeaderIndex) -> None:
        find_block = partial(_find_block, scope, headers, self._settings)
        with reserve_memory(headers, self._max_body_bytes, find_block) as reservation:
            body = await read_body(scope, headers, receive, self._max_body_bytes)
            reservation.shrink(len(body))
            self._paths.rewrite(scope)
            found = self._routes.find(scope["path"], scope["method"])
            if found is None or found.plan is None:
                await self._app(scope, replay_body(body, receive), outgoing)
                return
            scope["route"], scope["path_params"] = found.route, dict(found.path_params)
            await _follow(found.plan, StrictRequest(scope, receive, body), outgoing)


def _find_block(scope: Scope, headers: HeaderIndex, settings: Settings) -> str:
    return address_block(find_sender(scope, headers, settings))


async def _follow(plan: RoutePlan, request: StrictRequest, outgoing: "_Outgoing") -> None:
    """Handles the request with the plan, and sends the response, also to an error that has a handler."""
    try:
        response = await plan.handle(request)
        await response(request.scope, request.receive, outgoing)
    except Exception as error:
        response = await respond_to(error, request)
        if response is None:
            raise
        if outgoing.status is not None:
            raise RuntimeError("An error was raised after the response had started.") from error
        await response(request.scope, request.receive, outgoing)


class _Outgoing:
    """Sends the response's messages, and completes its headers.

    `status`: the response's status, None until it has started. `varies`: the response depends on the request's origin.
    `cors`: the rules that apply to a page's request, and its headers. `head`: the scope of a HEAD request, whose method
    the server must see when it starts the response: it would otherwise mark the end of a body of unknown length.
    """

    __slots__ = ("_head", "_request_id", "_send", "cors", "status", "varies")

    def __init__(self, send: Send, request_id: str, head: Scope | None) -> None:
        self._send = send
        self._request_id = request_id
        self._head = head
        self.status: int | None = None
        self.varies = False
        self.cors: tuple[JsonCors, Headers] | None = None

    def __call__(self, message: Message) -> Awaitable[None]:
        """Sends the message."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            if self._head is not None:
                self._head["method"] = "HEAD"
            if self.cors is not None:
                rules, sent = self.cors
                return rules.send(message, self._start, sent)
            return self._start(message)
        if self._head is not None and message["type"] == "http.response.body":
            message = {**message, "body": b""}
        return self._send(message)

    def _start(self, message: Message) -> Awaitable[None]:
        headers: list[tuple[bytes, bytes]] = list(message.get("headers", ()))
        message["headers"] = headers
        names = {name for name, _ in headers}
        if self.varies and self.cors is None:
            if b"vary" in names:
                MutableHeaders(raw=headers).add_vary_header("Origin")
            else:
                headers.append((b"vary", b"Origin"))
        if b"cache-control" not in names:
            headers.append((b"cache-control", b"no-store"))
        if _REQUEST_ID in names:
            MutableHeaders(raw=headers)[REQUEST_ID] = self._request_id
        else:
            headers.append((_REQUEST_ID, self._request_id.encode()))
        return self._send(message)

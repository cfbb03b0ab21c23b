"""The server of one request: lists the caller's tools, and calls them.

A call that outlasts its request continues, and the client gets the means to get its result: a task if it supports
them, otherwise, in the versions without a handshake, the state with which it repeats the request and goes on waiting.
Clients of older versions get an error that names the run. A client that disconnects while it waits cancels the call.
"""

import re
from dataclasses import dataclass
from typing import Any

import anyio
import mcp_types as types
from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel import Server
from mcp.shared.exceptions import MCPError

from shared.log import get_logger
from shared.mcp_server.elicitation import make_form
from shared.mcp_server.guarding import guard
from shared.mcp_server.model import Call, CallState, ToolHost
from shared.mcp_server.results import describe, to_error, to_result, to_tool
from shared.mcp_server.tasks import TaskMethods, answer_questions, can_ask, is_modern, takes_tasks, to_created_task
from shared.models.errors import BadRequest, NotFound, OutcomeUnknown, ServiceError

_log = get_logger("mcp_server")
_NAME = "firebase-agents"
_CANCEL_SECONDS = 10
_STATE = re.compile(r"([0-9a-f-]{36}) (\d{1,16})")
Context = ServerRequestContext[Any, Any]
CallOutcome = types.CallToolResult | types.InputRequiredResult | dict[str, Any]


@dataclass(frozen=True)
class Waiting:
    """How long a request waits for a call: at most `seconds`, and `task_seconds` if the client then gets a task.

    `ttl`: the milliseconds for which calls are kept, None for ever.
    """

    seconds: float
    task_seconds: float
    ttl: int | None


class ToolServer:
    """Handles the requests of one caller."""

    def __init__(self, host: ToolHost, waiting: Waiting) -> None:
        self._host = host
        self._waiting = waiting

    def build(self) -> Server[Any]:
        """Returns the SDK's server with the handlers."""
        server: Server[Any] = Server(
            _NAME,
            title="Firebase agents",
            instructions="Each tool is an agent that was published here. A call may take minutes and costs money.",
            on_list_tools=guard(self.list_tools),
            get_tool_input_schema=_no_header_parameters,
        )
        server.add_request_handler("tools/call", types.CallToolRequestParams, guard(self.call_tool))
        TaskMethods(self._host, self._waiting.ttl).add_to(server)
        return server

    async def list_tools(self, _context: Context, params: types.PaginatedRequestParams | None) -> types.ListToolsResult:
        """Lists the tools, a page at a time."""
        try:
            page = await self._host.list_tools(None if params is None else params.cursor)
        except BadRequest as error:
            raise MCPError(code=types.INVALID_PARAMS, message="Invalid cursor") from error
        return types.ListToolsResult(tools=[to_tool(tool) for tool in page.tools], next_cursor=page.next_cursor)

    async def call_tool(self, context: Context, params: types.CallToolRequestParams) -> CallOutcome:
        """Calls a tool, or goes on waiting for a call of an earlier request."""
        try:
            with self._host.reserve():
                return await self._call(context, params)
        except ServiceError as error:
            run = error.body.get("ticket_id") if isinstance(error, OutcomeUnknown) else None
            return to_error(describe(error), run if isinstance(run, str) else None)

    async def _call(self, context: Context, params: types.CallToolRequestParams) -> CallOutcome:
        call_id, cursor = await self._begin(params)
        seconds = self._waiting.seconds
        if takes_tasks(context):
            seconds = min(seconds, self._waiting.task_seconds)
        try:
            call = await self._host.wait(call_id, cursor, seconds, _Reporter(context).report)
        except anyio.get_cancelled_exc_class():
            with anyio.move_on_after(_CANCEL_SECONDS, shield=True):
                await self._cancel(call_id)
            raise
        return self._respond(context, call)

    async def _begin(self, params: types.CallToolRequestParams) -> tuple[str, int]:
        """Returns the call to wait for, and what has been reported of it."""
        if params.request_state is not None:
            return await self._resume(params, params.request_state)
        # Once the call is stored, it must be either awaited or cancelled.
        call_id = ""
        with anyio.CancelScope(shield=True):
            call_id = await self._start(params)
        return call_id, 0

    async def _start(self, params: types.CallToolRequestParams) -> str:
        try:
            return await self._host.start(params.name, params.arguments or {})
        except NotFound as error:
            raise MCPError(code=types.INVALID_PARAMS, message=f"Unknown tool: {params.name[:100]}") from error

    async def _resume(self, params: types.CallToolRequestParams, state: str) -> tuple[str, int]:
        """Returns the call to go on waiting for, after its questions have been answered."""
        match = _STATE.fullmatch(state)
        if match is None:
            raise MCPError(code=types.INVALID_PARAMS, message="Invalid requestState")
        try:
            call = await self._host.look_up(match[1])
        except NotFound as error:
            raise MCPError(code=types.INVALID_PARAMS, message="Invalid requestState") from error
        forms = {
            key: response
            for key, response in (params.input_responses or {}).items()
            if isinstance(response, types.ElicitResult)
        }
        try:
            await answer_questions(self._host, call, forms)
        except MCPError:
            _log.info("An answer does not fit its question", extra={"fields": {"run": call.id}})  # it is asked again
        return call.id, int(match[2])

    async def _cancel(self, call_id: str) -> None:
        try:
            await self._host.cancel(call_id)
        except ServiceError:
            _log.warning("A call could not be cancelled", extra={"fields": {"run": call_id}})

    def _respond(self, context: Context, call: Call) -> CallOutcome:
        if call.state is not CallState.WORKING:
            return to_result(call)
        if call.questions and can_ask(context):
            forms: dict[str, types.InputRequest] = {asked.key: make_form(asked) for asked in call.questions}
            return types.InputRequiredResult(input_requests=forms, request_state=_write_state(call))
        if takes_tasks(context):
            return to_created_task(call, context, self._waiting.ttl)
        if is_modern(context) and not call.questions:
            return types.InputRequiredResult(request_state=_write_state(call))
        return to_error(
            f"{call.note} The run {call.id} has not ended: GET /runs/{call.id} shows its result once it has, and POST "
            f"/runs/{call.id}/cancel stops it. Calling the tool again would start another run, which is charged, too.",
            call.id,
        )


class _Reporter:
    """Sends what a call does as the request's progress, if the client wants to know."""

    def __init__(self, context: Context) -> None:
        self._session = context.session
        self._count = 0

    async def report(self, text: str) -> None:
        self._count += 1
        await self._session.report_progress(self._count, None, text)


def _write_state(call: Call) -> str:
    return f"{call.id} {call.cursor}"


def _no_header_parameters(_name: str) -> None:
    """No schema declares that clients repeat arguments in headers (see `shared.services.agents.agent_tools`).

    Without this, the SDK would list all tools before each call.
    """

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
_NAME, _VERSION = "firebase-agents", "0.1"
_CANCEL_SECONDS = 10
_INVALID_STATE = "Invalid requestState"
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
            version=_VERSION,
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
        call_id, cursor = await self._start(params) if params.request_state is None else _read_state(params)
        try:
            if params.request_state is not None:
                await self._answer(call_id, params.input_responses or {})
            call = await self._host.wait(call_id, cursor, self._choose_seconds(context), _Reporter(context).report)
        except anyio.get_cancelled_exc_class():
            with anyio.move_on_after(_CANCEL_SECONDS, shield=True):
                await self._cancel(call_id)
            raise
        except NotFound as error:
            raise MCPError(code=types.INVALID_PARAMS, message=_INVALID_STATE) from error
        except ServiceError as error:
            return to_error(f"{describe(error)} {_explain(call_id)}", call_id)
        return self._respond(context, call)

    async def _start(self, params: types.CallToolRequestParams) -> tuple[str, int]:
        """Starts a call. Once it is stored, it must be either awaited or cancelled, so this cannot be interrupted."""
        call_id = ""
        with anyio.CancelScope(shield=True):
            try:
                call_id = await self._host.start(params.name, params.arguments or {})
            except NotFound as error:
                raise MCPError(code=types.INVALID_PARAMS, message=f"Unknown tool: {params.name[:100]}") from error
        return call_id, 0

    async def _answer(self, call_id: str, responses: types.InputResponses) -> None:
        """Passes on what a person has answered. An answer that does not fit is ignored, so it is asked for again."""
        forms = {key: response for key, response in responses.items() if isinstance(response, types.ElicitResult)}
        try:
            await answer_questions(self._host, await self._host.look_up(call_id), forms)
        except MCPError:
            _log.info("An answer does not fit its question", extra={"fields": {"run": call_id}})

    def _choose_seconds(self, context: Context) -> float:
        seconds = self._waiting.seconds
        return min(seconds, self._waiting.task_seconds) if takes_tasks(context) else seconds

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
        return to_error(f"{call.note} {_explain(call.id)}", call.id)


class _Reporter:
    """Sends what a call does as the request's progress, if the client wants to know."""

    def __init__(self, context: Context) -> None:
        self._session = context.session
        self._count = 0

    async def report(self, text: str) -> None:
        self._count += 1
        await self._session.report_progress(self._count, None, text)


def _explain(call_id: str) -> str:
    return (
        f"The run {call_id} has not ended: GET /runs/{call_id} shows its result once it has, and POST "
        f"/runs/{call_id}/cancel stops it. Calling the tool again would start another run, which is charged, too."
    )


def _read_state(params: types.CallToolRequestParams) -> tuple[str, int]:
    """Returns the call to go on waiting for, and what has been reported of it."""
    match = _STATE.fullmatch(params.request_state or "")
    if match is None:
        raise MCPError(code=types.INVALID_PARAMS, message=_INVALID_STATE)
    return match[1], int(match[2])


def _write_state(call: Call) -> str:
    return f"{call.id} {call.cursor}"


def _no_header_parameters(_name: str) -> None:
    """No schema declares that clients repeat arguments in headers (see `shared.services.agents.agent_tools`).

    Without this, the SDK would list all tools before each call.
    """

"""The extension `io.modelcontextprotocol/tasks` of the protocol's version 2026-07-28: a call that outlasts its request.

Instead of a result, the client gets a task, whose id is the call's, and asks for it until it has ended. Nothing is
stored for a task: it is the call, in other words. The SDK knows the extension's place in the protocol, but not its
methods. The specification: https://github.com/modelcontextprotocol/ext-tasks.
"""

from datetime import UTC, datetime
from typing import Any

from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel import Server
from mcp.shared.exceptions import MCPError
from mcp_types import INVALID_PARAMS, METHOD_NOT_FOUND, MISSING_REQUIRED_CLIENT_CAPABILITY, ElicitResult, RequestParams
from mcp_types.version import MODERN_PROTOCOL_VERSIONS
from pydantic import Field, JsonValue

from shared.mcp_server.elicitation import make_form, read_form
from shared.mcp_server.guarding import guard
from shared.mcp_server.model import Call, CallState, ToolHost
from shared.mcp_server.results import to_result
from shared.models.errors import InvalidInput, NotFound

EXTENSION = "io.modelcontextprotocol/tasks"
POLL_MILLISECONDS = 2000
MAX_ANSWERS = 20
"""The maximum number of answers in one request."""
Context = ServerRequestContext[Any, Any]


class TaskParams(RequestParams):
    """The parameters of `tasks/get` and `tasks/cancel`."""

    task_id: str


class UpdateTaskParams(TaskParams):
    """The parameters of `tasks/update`."""

    input_responses: dict[str, ElicitResult] = Field(max_length=MAX_ANSWERS)


def is_modern(context: Context) -> bool:
    """Whether the request uses a version without a handshake."""
    return context.protocol_version in MODERN_PROTOCOL_VERSIONS


def takes_tasks(context: Context) -> bool:
    """Whether the client can handle a task instead of a result."""
    capabilities = context.session.client_capabilities
    return is_modern(context) and capabilities is not None and EXTENSION in (capabilities.extensions or {})


def can_ask(context: Context) -> bool:
    """Whether the client can show forms to a person. Those that name no kind of elicitation mean forms."""
    capabilities = context.session.client_capabilities
    if not is_modern(context) or capabilities is None or (elicitation := capabilities.elicitation) is None:
        return False
    return elicitation.form is not None or elicitation.url is None


def to_created_task(call: Call, context: Context, ttl: int | None) -> dict[str, Any]:
    """Returns the result of `tools/call` that is a task. `ttl`: milliseconds for which the call is kept."""
    asks = bool(call.questions) and can_ask(context)
    return {"resultType": "task", **_describe(call, "input_required" if asks else "working", ttl)}


class TaskMethods:
    """The extension's methods."""

    def __init__(self, host: ToolHost, ttl: int | None) -> None:
        self._host = host
        self._ttl = ttl

    def add_to(self, server: Server[Any]) -> None:
        """Has the server serve the methods, and announce them."""
        server.extensions = {EXTENSION: {}}
        server.add_request_handler("tasks/get", TaskParams, guard(self.get))
        server.add_request_handler("tasks/update", UpdateTaskParams, guard(self.update))
        server.add_request_handler("tasks/cancel", TaskParams, guard(self.cancel))

    async def get(self, context: Context, params: TaskParams) -> dict[str, Any]:
        """Returns the task as it is now, with its result once it has one."""
        _require_extension(context)
        call = await self._look_up(params.task_id)
        match call.state:
            case CallState.WORKING if call.questions and can_ask(context):
                forms = {asked.key: make_form(asked) for asked in call.questions}
                requests = {key: form.model_dump(by_alias=True, exclude_none=True) for key, form in forms.items()}
                return {**_describe(call, "input_required", self._ttl), "inputRequests": requests}
            case CallState.WORKING:
                return _describe(call, "working", self._ttl)
            case CallState.CANCELLED:
                return _describe(call, "cancelled", self._ttl)
            case CallState.COMPLETED | CallState.FAILED:  # the extension's "failed" is for errors of the protocol
                result = to_result(call).model_dump(by_alias=True, mode="json", exclude_none=True)
                return {**_describe(call, "completed", self._ttl), "result": result}

    async def update(self, context: Context, params: UpdateTaskParams) -> dict[str, Any]:
        """Passes answers on. Those to questions that are not open are ignored. A refusal to answer cancels the call."""
        _require_extension(context)
        call = await self._look_up(params.task_id)
        await answer_questions(self._host, call, params.input_responses)
        return {}

    async def cancel(self, context: Context, params: TaskParams) -> dict[str, Any]:
        """Cancels the call."""
        _require_extension(context)
        try:
            await self._host.cancel(params.task_id)
        except NotFound as error:
            raise _unknown_task_error() from error
        return {}

    async def _look_up(self, task_id: str) -> Call:
        try:
            return await self._host.look_up(task_id)
        except NotFound as error:
            raise _unknown_task_error() from error


async def answer_questions(host: ToolHost, call: Call, responses: dict[str, ElicitResult]) -> None:
    """Passes answers on, all at once. Ignores those to questions that are not open.

    A refusal to answer cancels the call. Raises `MCPError` for answers that do not fit their questions, after the
    others have been passed on, and what `ToolHost` raises.
    """
    asked = [question for question in call.questions if question.key in responses]
    if any(responses[question.key].action != "accept" for question in asked):
        await host.cancel(call.id)
        return
    answers: dict[str, JsonValue] = {}
    problem = None
    for question in asked:
        try:
            answers[question.key] = read_form(question, responses[question.key])
        except ValueError as error:
            problem = str(error)
    try:
        if answers:
            await host.answer(call.id, answers)
    except InvalidInput as error:
        problem = error.summary
    if problem is not None:
        raise MCPError(code=INVALID_PARAMS, message=f"An answer does not fit its question: {problem}")


def _require_extension(context: Context) -> None:
    if not is_modern(context):
        raise MCPError(code=METHOD_NOT_FOUND, message="Method not found", data=context.method)
    if not takes_tasks(context):
        raise MCPError(
            code=MISSING_REQUIRED_CLIENT_CAPABILITY,
            message="Missing required client capability",
            data={"requiredCapabilities": {"extensions": {EXTENSION: {}}}},
        )


def _unknown_task_error() -> MCPError:
    return MCPError(code=INVALID_PARAMS, message="There is no such task.")


def _describe(call: Call, status: str, ttl: int | None) -> dict[str, Any]:
    return {
        "taskId": call.id,
        "status": status,
        "statusMessage": call.note,
        "createdAt": _write_time(call.created_at),
        "lastUpdatedAt": _write_time(call.updated_at),
        "ttlMs": ttl,
        "pollIntervalMs": POLL_MILLISECONDS,
    }


def _write_time(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")

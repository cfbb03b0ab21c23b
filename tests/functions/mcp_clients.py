"""The SDK's MCP client, with the client's side of the tasks extension, which the SDK leaves to others."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, Literal, cast

import httpx2
import pytest
from mcp import Client
from mcp.client.extension import ClaimContext, ClientExtension, ResultClaim
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.exceptions import MCPError
from mcp_types import CallToolResult, ElicitResult, Request, RequestParams, Result, TextContent

from shared.mcp_server.tasks import EXTENSION
from tests.clients.hosted import HostedService

MODERN, OLDER = "2026-07-28", "legacy"
VERSIONS = pytest.mark.parametrize("mode", [MODERN, OLDER])
_PAUSE = 0.02


class TaskResult(Result):
    """The result of a call that is a task."""

    result_type: Literal["task"] = "task"
    task_id: str
    status: str


class TaskId(RequestParams):
    """The parameters of a task's methods."""

    task_id: str


class Answers(TaskId):
    """The parameters of `tasks/update`."""

    input_responses: dict[str, ElicitResult]


class Tasks(ClientExtension):
    """The client's side of the extension: asks for the task until it has ended, and lets `on_input` answer."""

    identifier = EXTENSION

    def __init__(self, on_input: Callable[[dict[str, Any]], ElicitResult] | None = None) -> None:
        self.seen: list[dict[str, Any]] = []
        """The states of the task."""
        self.stop_at: str | None = None
        """The status at which the client cancels the task."""
        self._on_input = on_input

    def claims(self) -> Sequence[ResultClaim[Any]]:
        return [ResultClaim(result_type="task", model=TaskResult, resolve=self._resolve)]

    async def _resolve(self, task: TaskResult, context: ClaimContext) -> CallToolResult:
        while True:
            state = await ask(context.session, "tasks/get", TaskId(task_id=task.task_id))
            self.seen.append(state)
            match state["status"]:
                case "completed":
                    return CallToolResult.model_validate(state["result"])
                case "cancelled":
                    return CallToolResult(content=[], is_error=True)
                case status if status == self.stop_at:
                    await ask(context.session, "tasks/cancel", TaskId(task_id=task.task_id))
                case "input_required" if self._on_input is not None:
                    answers = {key: self._on_input(form) for key, form in state["inputRequests"].items()}
                    await ask(context.session, "tasks/update", Answers(task_id=task.task_id, input_responses=answers))
                case _:
                    await asyncio.sleep(_PAUSE)


class _AnyResult(Result):
    model_config = {"extra": "allow"}


async def ask(session: Any, method: str, params: RequestParams) -> dict[str, Any]:
    """Sends a request of the extension, and returns its result."""
    request: Any = Request[type(params), str](method=method, params=params)
    result = cast("Result", await session.send_request(request, _AnyResult))
    return result.model_dump(by_alias=True)


@asynccontextmanager
async def connected(
    service: HostedService, mode: str, token: str | None = None, path: str = "/mcp", **options: Any
) -> AsyncGenerator[Client]:
    """Connects the SDK's client. `path`: of the server's address."""
    headers = {} if token is None else {"Authorization": token}
    async with AsyncExitStack() as stack:
        http = await stack.enter_async_context(
            httpx2.AsyncClient(headers=headers, timeout=httpx2.Timeout(60), trust_env=False)
        )
        transport = streamable_http_client(f"{service.address}{path}", http_client=http)
        yield await stack.enter_async_context(Client(transport, mode=mode, **options))


async def error_of(call: Awaitable[Any]) -> MCPError:
    """Returns the protocol's error that a request gets."""
    try:
        result = await call
    except MCPError as error:
        return error
    raise AssertionError(f"No error, but {result}")


def text_of(result: CallToolResult) -> str:
    """Returns the only content of a result."""
    (content,) = result.content
    assert isinstance(content, TextContent)
    return content.text


class Reports:
    """Collects the progress that a client is told."""

    def __init__(self) -> None:
        self.counts: list[float] = []
        self.messages: list[str] = []

    async def __call__(self, progress: float, total: float | None, message: str | None) -> None:
        self.counts.append(progress)
        self.messages.append(message or "")

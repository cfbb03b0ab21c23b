"""The host functions that agent code may call, and how a call fails. Nothing else leads out of a run."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:  # there are no libraries inside
    from pydantic import JsonValue

    from shared.models.wire import JsonObject


@dataclass(frozen=True)
class HttpCall:
    """One HTTP request of agent code. At most one of `json`, `data` and `content` is set; `timeout` in seconds.

    `json` None: there is no JSON body. As in httpx, `null` cannot be sent as one.
    """

    method: str
    url: str
    params: list[tuple[str, str]] | None = None
    headers: dict[str, str] = field(default_factory=dict[str, str])
    json: JsonValue = None
    data: list[tuple[str, str]] | None = None
    content: bytes | None = None
    timeout: float | None = None
    follow_redirects: bool = False


@dataclass(frozen=True)
class HttpAnswer:
    """The answer to an `HttpCall`. `headers`: in their original order and spelling."""

    status_code: int
    reason: str
    headers: list[tuple[str, str]]
    content: bytes
    url: str


@dataclass(frozen=True)
class ModelAnswer:
    """A model's answer, as `call_llm` and `litellm.acompletion` return it."""

    content: str
    thoughts: Any
    model: str
    finish_reason: str
    prompt_tokens: int
    completion_tokens: int
    total_tokens: int


@dataclass(frozen=True)
class ToolDoc:
    """One tool of an MCP server."""

    name: str
    description: str
    input_schema: JsonObject


class HostFunctions(Protocol):
    """The functions that agent code may call. Every method raises `CallFailed`, and nothing else."""

    async def call_model(
        self,
        provider: str | None,
        model: str | None,
        messages: JsonValue,
        parameters: JsonObject,
        tools: list[JsonValue],
        timeout: float | None,
    ) -> ModelAnswer:
        """Asks a model. Its cost is charged to the run's payer. `timeout`: seconds.

        `provider` None: `model` is "provider/model", or a name to be looked up. Both None: the agent's first model.
        """
        ...

    async def http(self, call: HttpCall) -> HttpAnswer:
        """Sends a request. An answer of any status is not a failure."""
        ...

    async def call_tool(self, url: str, token: str | None, tool: str, arguments: JsonObject) -> JsonValue:
        """Calls a tool of the MCP server at `url`. `token`: for its `Authorization` header."""
        ...

    async def list_tools(self, url: str, token: str | None) -> list[ToolDoc]:
        """The tools of the MCP server at `url`, as far as the agent may call them."""
        ...

    async def call_agent(self, name: str, input_dict: JsonObject) -> JsonValue:
        """Runs another agent by its name. Returns its result."""
        ...


class CallFailed(Exception):
    """A call of a host function that failed: what agent code sees of it, and may catch.

    `kind`: the built-in exception that it is inside. `name`: its name in the run's failure, if it is not caught.
    `cause`: the exception on the host, for the code that started the run.
    """

    def __init__(
        self,
        message: str,
        kind: type[Exception] = RuntimeError,
        *,
        name: str | None = None,
        cause: Exception | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.kind = kind
        self.name = name or kind.__name__
        self.cause = cause

"""The host functions that agent code may call, and their failures. A run has no other access to the outside."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:  # these modules are not available in the sandbox
    from pydantic import JsonValue

    from shared.models.wire import JsonObject


@dataclass(frozen=True)
class HttpCall:
    """One HTTP request of agent code. At most one of `json`, `data` and `content` is set. `timeout`: in seconds.

    If `json` is None, there is no JSON body. As in httpx, `null` cannot be sent as a JSON body.
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
class HttpResponse:
    """The response to an `HttpCall`. `headers`: in their original order and spelling."""

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
    """The functions that agent code may call. All methods raise only `CallFailed`."""

    async def call_model(
        self,
        provider: str | None,
        model: str | None,
        messages: JsonValue,
        parameters: JsonObject,
        tools: list[JsonValue],
        timeout: float | None,
    ) -> ModelAnswer:
        """Calls a model, at the cost of the run's payer. `timeout`: in seconds.

        Without a `provider`, `model` is "provider/model", or a name that is looked up. If both are None, the agent's
        first model is used.
        """
        ...

    async def http(self, call: HttpCall) -> HttpResponse:
        """Sends a request. A response with an error status is not a failure."""
        ...

    async def call_tool(self, url: str, token: str | None, tool: str, arguments: JsonObject) -> JsonValue:
        """Calls a tool of the MCP server at `url`. `token`: for the `Authorization` header."""
        ...

    async def list_tools(self, url: str, token: str | None) -> list[ToolDoc]:
        """Returns the tools of the MCP server at `url` that the agent may call."""
        ...

    async def call_agent(self, name: str, input_dict: JsonObject) -> JsonValue:
        """Runs the agent with this name. Returns its result."""
        ...


class CallFailed(Exception):
    """A call of a host function failed. Agent code gets an exception, which it may catch.

    `kind`: the built-in class of that exception. `name`: the exception's name in the run's failure, if agent code does
    not catch it. `cause`: the exception on the host, for the code that started the run.
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

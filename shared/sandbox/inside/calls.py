"""What agent code may do beyond computing, and how a call of it fails: the whole of what leads out of a run."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:  # no library is there inside
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
    """Its answer. `headers` in the order and spelling they came in."""

    status_code: int
    reason: str
    headers: list[tuple[str, str]]
    content: bytes
    url: str


@dataclass(frozen=True)
class ModelAnswer:
    """A model's answer, as `call_llm` and `litellm.acompletion` show it."""

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
    """What agent code may do beyond computing. Every method raises `CallFailed`, and nothing else."""

    async def call_model(
        self,
        provider: str | None,
        model: str | None,
        messages: JsonValue,
        parameters: JsonObject,
        tools: list[JsonValue],
        timeout: float | None,
    ) -> ModelAnswer:
        """`provider` None: `model` is "provider/model", or is looked for. Both None: the agent's first model."""
        ...

    async def http(self, call: HttpCall) -> HttpAnswer:
        """Whatever its status is: a status is no failure."""
        ...

    async def call_tool(self, url: str, token: str | None, tool: str, arguments: JsonObject) -> JsonValue: ...

    async def list_tools(self, url: str, token: str | None) -> list[ToolDoc]: ...

    async def call_agent(self, name: str, input_dict: JsonObject) -> JsonValue: ...


class CallFailed(Exception):
    """A call of a host function that failed: what agent code sees of it, and may catch.

    `kind`: the built-in exception that it is inside. `name`: what it is called where it is not caught. `cause`: what
    happened really, for whoever started the run.
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

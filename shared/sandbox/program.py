"""What goes into a run and what comes out: the whole of what the house knows of an engine.

An engine takes a `Program`, the `Abilities` that its code may use, and `Limits`; it gives an `Outcome`. All that
crosses is plain JSON values, so that any engine can carry it.
"""

from dataclasses import dataclass, field
from typing import Any, Protocol

from pydantic import JsonValue

from shared.models.wire import JsonObject


@dataclass(frozen=True)
class Program:
    """Agent code, which defines `async def run(input_dict, tools)`, and what that is called with.

    `tools`: MCP servers by their URL, and of each the tools that may be called.
    """

    code: str
    input_dict: JsonObject
    tools: dict[str, list[str]] = field(default_factory=dict[str, list[str]])


@dataclass(frozen=True)
class Limits:
    """Of one run. `seconds`: from start to end; `cpu_seconds`: while it computes, waiting not counted."""

    seconds: float
    cpu_seconds: float
    memory_bytes: int
    log_bytes: int
    result_bytes: int


@dataclass(frozen=True)
class HttpCall:
    """One HTTP request of agent code. At most one of `json`, `data` and `content` is set; `timeout` in seconds."""

    method: str
    url: str
    params: list[tuple[str, str]] | None = None
    headers: dict[str, str] = field(default_factory=dict[str, str])
    json: JsonValue = None
    has_json: bool = False
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


class Abilities(Protocol):
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
    """A call of an ability that failed: what agent code sees of it, and may catch.

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


@dataclass(frozen=True)
class Failure:
    """Why a run has no result.

    `error`: "TypeName: message". `traceback`: the agent's own lines, empty where none is to blame. `cause`: what a
    call of an ability that the code did not catch failed by.
    """

    error: str
    traceback: str = ""
    cause: Exception | None = None


@dataclass(frozen=True)
class Outcome:
    """`logs`: the lines that were printed. `seconds`: from start to end."""

    result: JsonValue
    failure: Failure | None
    logs: list[str]
    seconds: float


class Engine(Protocol):
    """Runs programs. A program's fault, or a limit that it met, is an outcome; nothing of it is raised.

    Raises `shared.models.errors.Unavailable` when there is no room for a run. `level`: through how many agents this
    one was called.
    """

    async def run(self, program: Program, abilities: Abilities, limits: Limits, level: int = 0) -> Outcome: ...

    async def load(self, code: str, limits: Limits) -> Failure | None:
        """Runs what stands outside of functions, without abilities; None if that works."""
        ...

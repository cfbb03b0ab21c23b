"""What agent code may do, done for it: within what the agent names, the run's budget, and what its payer has.

These are the engine's `HostFunctions`. Whatever goes wrong is told as a `CallFailed` in words for the agent's author.
"""

from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from functools import wraps
from types import CoroutineType
from typing import Any, ParamSpec, Protocol, TypeVar

from pydantic import JsonValue, ValidationError

from shared.late import imported
from shared.llm.catalog import CatalogError
from shared.llm.failures import ModelFailure
from shared.log import get_logger
from shared.models.agent import AgentFields
from shared.models.caller import Caller
from shared.models.chat import ChatRequest, Usage
from shared.models.errors import ServiceError
from shared.models.session import ProviderConfig
from shared.models.wire import JsonObject
from shared.outbound import errors as outbound
from shared.outbound.mcp import call_tool, list_tools
from shared.sandbox import CallFailed, HttpAnswer, HttpCall, ModelAnswer, ToolDoc
from shared.services.accounts.budgets import Budget, BudgetSpent
from shared.services.accounts.deployment_budgets import DeploymentBudget
from shared.services.agents.model_choice import built_in_tools, chosen_model, messages_of
from shared.services.model_calls import ModelCallService
from shared.settings import Settings

_log = get_logger("running")
P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True)
class Permissions:
    """What the code of one run may use. `viewer`: whose agents it may call, beside shared ones."""

    viewer: str
    tools: dict[str, list[str]] = field(default_factory=dict[str, list[str]])
    models: list[ProviderConfig] = field(default_factory=list[ProviderConfig])
    agents: list[str] = field(default_factory=list[str])

    @classmethod
    def of(cls, agent: AgentFields, owner: str) -> "Permissions":
        """A saved agent's own. It acts for its owner, whoever runs and pays."""
        return cls(viewer=owner, tools=agent.tools, models=agent.invokable_models, agents=agent.gofannon_agents)


class CallAgent(Protocol):
    """Runs another agent of the run's; raises `CallFailed`. See `shared.services.agents.runs`."""

    async def __call__(self, name: str, input_dict: JsonObject) -> JsonValue: ...


def _told(call: Callable[P, Coroutine[Any, Any, T]]) -> "Callable[P, CoroutineType[Any, Any, T]]":
    """The call, with all that may go wrong as a `CallFailed`."""

    @wraps(call)
    async def told(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return await call(*args, **kwargs)
        except CallFailed:
            raise
        except Exception as error:
            raise _failed(error) from error

    return told


def _failed(error: Exception) -> CallFailed:
    match error:
        case outbound.TooSlow():
            return CallFailed(error.message, TimeoutError, name="TimeoutException")
        case outbound.Unreachable():
            return CallFailed(error.message, ConnectionError, name="ConnectError")
        case outbound.Refused():
            return CallFailed(error.message, PermissionError)
        case outbound.BadAddress() | outbound.BadRequest() | outbound.TooLong():
            return CallFailed(error.message, ValueError)
        case outbound.OutboundError() | ModelFailure() | CatalogError():
            return CallFailed(error.message, cause=error)
        case ServiceError():
            return CallFailed(error.message, cause=error)
        case BudgetSpent():
            return CallFailed(str(error), cause=error)
        case ValidationError():
            return CallFailed(_what_is_wrong(error), ValueError)
        case _:
            _log.exception("A call for an agent broke")
            return CallFailed("Something went wrong on our side.", cause=error)


_MUST_BE = {
    "string_type": "a text",
    "bool_type": "true or false",
    "int_type": "a whole number",
    "list_type": "a list",
    "dict_type": "a dict",
    "model_type": "a dict",
    "model_attributes_type": "a dict",
    "string_too_short": "a text that is not empty",
    "too_short": "a list that is not empty",
}


def _what_is_wrong(error: ValidationError) -> str:
    """The first thing, in our words: pydantic's are for who programs it."""
    problem = error.errors(include_url=False)[0]
    where = ".".join(str(part) for part in problem["loc"]) or "A message"
    if problem["type"] == "missing":
        return f"{where} is missing."
    if problem["type"] == "literal_error":
        return f"{where} must be {problem.get('ctx', {}).get('expected')}."
    must_be = _MUST_BE.get(problem["type"])
    return f"{where} must be {must_be}." if must_be else f"{where} is not what can stand there."


@dataclass
class RunHostFunctions:
    """One run's. `payer` is charged; `run_id` names the calls, with their number in the chain. `deployment`: whose
    budget they count by, if it has one.
    """

    run_id: str
    payer: Caller
    permissions: Permissions
    budget: Budget
    model_calls: ModelCallService
    settings: Settings
    call_another: CallAgent
    about: JsonObject
    call_counter: "CallCounter"
    deployment: DeploymentBudget | None = None

    @_told
    async def call_model(
        self,
        provider: str | None,
        model: str | None,
        messages: JsonValue,
        parameters: JsonObject,
        tools: list[JsonValue],
        timeout: float | None,
    ) -> ModelAnswer:
        self.budget.take_call()
        catalog = self.model_calls.catalog
        config = chosen_model(catalog, self.permissions.models, provider, model)
        route = catalog.route(config.provider, config.model)
        request = ChatRequest(
            messages=messages_of(messages),
            provider=config.provider,
            model=config.model,
            parameters={**config.parameters, **parameters},
            built_in_tools=built_in_tools(route, tools),
        )
        result = await self.model_calls.call(
            self.payer,
            f"{self.run_id}-{self.call_counter.next()}",
            request,
            self.budget,
            min(timeout or self.settings.model_timeout_seconds, self.settings.model_timeout_seconds),
            self.about,
            self.deployment,
        )
        self.call_counter.add(result.usage)
        finish = result.thoughts.get("finish_reason") if isinstance(result.thoughts, dict) else None
        return ModelAnswer(
            content=result.content,
            thoughts=result.thoughts,
            model=result.model,
            finish_reason=finish or "stop",
            prompt_tokens=result.usage.prompt_tokens,
            completion_tokens=result.usage.completion_tokens,
            total_tokens=result.usage.total_tokens,
        )

    @_told
    async def http(self, call: HttpCall) -> HttpAnswer:
        self.budget.take_call()
        module = await imported("shared.outbound.http")
        request = module.Request(
            method=call.method,
            url=call.url,
            params=_grouped(call.params),
            headers=call.headers,
            json=call.json,
            data=_grouped(call.data),
            content=call.content,
            timeout=call.timeout,
            follow_redirects=call.follow_redirects,
        )
        async with self.budget.connections:
            answer = await module.Outbound(self.settings).send(request)
        self.budget.take_bytes(len(answer.content))
        return HttpAnswer(answer.status_code, answer.reason, answer.headers, answer.content, answer.url)

    @_told
    async def call_tool(self, url: str, token: str | None, tool: str, arguments: JsonObject) -> JsonValue:
        self.budget.take_call()
        allowed = self._tools_of(url)
        if tool not in allowed:
            named = ", ".join(allowed) or "none"
            raise CallFailed(f"The agent names no tool {tool!r} of {url}, so it cannot call it. It names: {named}.")
        await imported("shared.outbound.mcp_session")
        async with self.budget.connections:
            return await call_tool(url, token, tool, arguments, self.settings, timeout=self.budget.seconds_left)

    @_told
    async def list_tools(self, url: str, token: str | None) -> list[ToolDoc]:
        self.budget.take_call()
        allowed = self._tools_of(url)
        await imported("shared.outbound.mcp_session")
        async with self.budget.connections:
            tools = await list_tools(url, token, self.settings, timeout=self.budget.seconds_left)
        return [ToolDoc(tool.name, tool.description, tool.input_schema) for tool in tools if tool.name in allowed]

    @_told
    async def call_agent(self, name: str, input_dict: JsonObject) -> JsonValue:
        self.budget.take_call()
        return await self.call_another(name, input_dict)

    def _tools_of(self, url: str) -> list[str]:
        """Raises `CallFailed` for a server that the agent does not name."""
        tools = self.permissions.tools.get(url.strip())
        if tools is None:
            named = ", ".join(self.permissions.tools) or "none"
            raise CallFailed(f"The agent names no MCP server {url}, so it cannot call it. It names: {named}.")
        return tools


class CallCounter:
    """Counts the model calls of a chain of runs, and their tokens."""

    def __init__(self) -> None:
        self._calls = 0
        self.usage = Usage()

    def next(self) -> int:
        self._calls += 1
        return self._calls

    def add(self, usage: Usage) -> None:
        self.usage = Usage(
            prompt_tokens=self.usage.prompt_tokens + usage.prompt_tokens,
            completion_tokens=self.usage.completion_tokens + usage.completion_tokens,
            total_tokens=self.usage.total_tokens + usage.total_tokens,
        )


def _grouped(pairs: list[tuple[str, str]] | None) -> dict[str, Any] | None:
    """Pairs by name: a name that comes several times has a list."""
    if pairs is None:
        return None
    grouped: dict[str, Any] = {}
    for name, value in pairs:
        grouped.setdefault(name, []).append(value)
    return grouped

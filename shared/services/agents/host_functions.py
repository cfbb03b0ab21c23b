"""The host functions of a run, which agent code calls within the agent's permissions and the run's budget.

They implement the engine's `HostFunctions`. Each raises its errors as `CallFailed` (`error_translation`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

from pydantic import JsonValue

from shared.late_imports import import_late
from shared.models.caller import Caller
from shared.models.chat import ChatRequest, ChatResult
from shared.models.wire import JsonObject
from shared.outbound.mcp import call_tool, list_tools
from shared.sandbox import CallFailed, HttpCall, HttpResponse, ModelAnswer, ToolDoc
from shared.services.accounts.deployment_budgets import DeploymentBudget
from shared.services.accounts.run_budgets import Budget
from shared.services.agents.call_counter import CallCounter
from shared.services.agents.error_translation import raise_call_failed
from shared.services.agents.model_choice import choose_model, find_built_in_tools, read_messages
from shared.services.agents.permissions import Permissions
from shared.services.images import list_addresses
from shared.services.model_calls import ModelCallService, RecordCharge
from shared.settings import Settings


class CallAgent(Protocol):
    """Runs another agent within the same chain of runs. See `shared.services.agents.runs`."""

    async def __call__(self, name: str, input_dict: JsonObject, call: MadeCall | None) -> JsonValue:
        """Returns the result of the agent with this name, friendly name or id. Raises `CallFailed`.

        `call`: the call that runs the agent, if calls are recorded.
        """
        ...


@dataclass(frozen=True)
class MadeCall:
    """The call for which a host function is used, if calls are recorded. `id`: unique to it, also if it is repeated.

    `record` records its outcome together with the charge for it.
    """

    id: str
    path: str
    clock: int
    record: RecordCharge


@dataclass
class RunHostFunctions:
    """The host functions of one run.

    `payer` is charged for its model calls, which are named after `run_id` and their number in the chain. Their usage
    entries contain `about`. If a published agent was called by its public name, the calls also count against the budget
    `deployment`.
    """

    run_id: str
    payer: Caller
    permissions: Permissions
    budget: Budget
    model_calls: ModelCallService
    settings: Settings
    call_another: CallAgent
    about: JsonObject
    call_counter: CallCounter
    deployment: DeploymentBudget | None = None
    made_call: MadeCall | None = None

    @raise_call_failed
    async def call_model(
        self,
        provider: str | None,
        model: str | None,
        messages: JsonValue,
        parameters: JsonObject,
        tools: list[JsonValue],
        timeout: float | None,
    ) -> ModelAnswer:
        """Calls a model that the agent names. The payer is charged. `timeout`: seconds; None means the setting."""
        self.budget.take_call()
        catalog = self.model_calls.catalog
        config = choose_model(catalog, self.permissions.models, provider, model)
        route = catalog.route(config.provider, config.model)
        request = ChatRequest(
            messages=read_messages(messages),
            provider=config.provider,
            model=config.model,
            parameters={**config.parameters, **parameters},
            built_in_tools=find_built_in_tools(route, tools),
        )
        for _ in list_addresses(request):  # each image is fetched with a request
            self.budget.take_call()
        made = self.made_call
        result = await self.model_calls.call(
            self.payer,
            f"{self.run_id}-{self.call_counter.next()}" if made is None else made.id,
            request,
            self.budget,
            min(timeout or self.settings.model_timeout_seconds, self.settings.model_timeout_seconds),
            self.about,
            self.deployment,
            None if made is None else made.record,
        )
        self.call_counter.add(result.usage)
        return to_model_answer(result)

    @raise_call_failed
    async def http(self, call: HttpCall) -> HttpResponse:
        """Sends an HTTP request to a public address."""
        self.budget.take_call()
        module = await import_late("shared.outbound.http")
        request = module.Request(
            method=call.method,
            url=call.url,
            params=_group(call.params),
            headers=call.headers,
            json=call.json,
            data=_group(call.data),
            content=call.content,
            timeout=call.timeout,
            follow_redirects=call.follow_redirects,
        )
        async with self.budget.connections:
            response = await module.Outbound(self.settings).send(request)
        self.budget.take_bytes(len(response.content))
        return HttpResponse(response.status_code, response.reason, response.headers, response.content, response.url)

    @raise_call_failed
    async def call_tool(self, url: str, token: str | None, tool: str, arguments: JsonObject) -> JsonValue:
        """Calls a tool of an MCP server. The agent must name both."""
        self.budget.take_call()
        allowed = self._list_allowed_tools(url)
        if tool not in allowed:
            named = ", ".join(allowed) or "none"
            raise CallFailed(
                f"The agent does not name the tool {tool!r} of {url}, so it cannot call it. It names: {named}."
            )
        await import_late("shared.outbound.mcp_session")
        async with self.budget.connections:
            return await call_tool(url, token, tool, arguments, self.settings, timeout=self.budget.seconds_left)

    @raise_call_failed
    async def list_tools(self, url: str, token: str | None) -> list[ToolDoc]:
        """Returns the tools of an MCP server that the agent names, as the server describes them."""
        self.budget.take_call()
        allowed = self._list_allowed_tools(url)
        await import_late("shared.outbound.mcp_session")
        async with self.budget.connections:
            tools = await list_tools(url, token, self.settings, timeout=self.budget.seconds_left)
        return [ToolDoc(tool.name, tool.description, tool.input_schema) for tool in tools if tool.name in allowed]

    @raise_call_failed
    async def call_agent(self, name: str, input_dict: JsonObject) -> JsonValue:
        """Runs another agent that this one names, charged to the same payer."""
        self.budget.take_call()
        return await self.call_another(name, input_dict, self.made_call)

    def _list_allowed_tools(self, url: str) -> list[str]:
        """Returns the tools that the agent names for the server. Raises `CallFailed` for a server it does not name."""
        tools = self.permissions.tools.get(url.strip())
        if tools is None:
            named = ", ".join(self.permissions.tools) or "none"
            raise CallFailed(f"The agent does not name the MCP server {url}, so it cannot call it. It names: {named}.")
        return tools


def to_model_answer(result: ChatResult) -> ModelAnswer:
    """Returns a model's answer as agent code gets it."""
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


def _group(pairs: list[tuple[str, str]] | None) -> dict[str, Any] | None:
    """Groups the values by name, in the given order."""
    if pairs is None:
        return None
    grouped: dict[str, Any] = {}
    for name, value in pairs:
        grouped.setdefault(name, []).append(value)
    return grouped

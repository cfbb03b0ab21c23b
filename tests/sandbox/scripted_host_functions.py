"""Host functions for the runs in these tests: HTTP and MCP calls to the tests' servers, a scripted model, and agents.

They replace `shared.services.agents.host_functions`, and contain a secret that agent code must never see.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import httpx
from pydantic import JsonValue

from shared.models.wire import JsonObject
from shared.outbound.errors import OutboundError
from shared.sandbox import CallFailed, HttpCall, HttpResponse, ModelAnswer, Outcome, ToolDoc
from shared.settings import Settings

CANARY = "canary-that-the-host_functions-hold"
MAX_LEVEL = 3
_MEETING_SECONDS = 5.0

RunAgent = Callable[[str, JsonObject, int], Awaitable[Outcome]]
"""Runs an agent, given its name, its input and its level."""


@dataclass
class Calls:
    """The calls that were made. `max_concurrent`: the largest number of model, tool and agent calls at a time."""

    models: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    http: list[HttpCall] = field(default_factory=list[HttpCall])
    tools: list[tuple[str, str | None, str, JsonObject]] = field(
        default_factory=list[tuple[str, str | None, str, JsonObject]]
    )
    agents: list[tuple[str, JsonObject]] = field(default_factory=list[tuple[str, JsonObject]])
    max_concurrent: int = 0


class Meeting:
    """Lets calls continue when `number` of them have arrived."""

    def __init__(self, number: int, calls: Calls) -> None:
        self._number = number
        self._calls = calls
        self._arrived = 0
        self._all_arrived = asyncio.Event()

    async def wait(self) -> None:
        """Waits for the other calls. Raises `CallFailed` if they do not arrive."""
        self._arrived += 1
        self._calls.max_concurrent = max(self._calls.max_concurrent, self._arrived)
        if self._arrived >= self._number:
            self._all_arrived.set()
        try:
            async with asyncio.timeout(_MEETING_SECONDS):
                await self._all_arrived.wait()
        except TimeoutError as error:
            raise CallFailed("The calls did not run at the same time.") from error


@dataclass
class ScriptedHostFunctions:
    """Implements `HostFunctions`. `answers`: the model's answers, each with the part of the question that it is for.

    `meeting`: makes model, tool and agent calls wait for each other. `secret`: must never reach agent code.
    """

    client: httpx.AsyncClient
    settings: Settings
    run_agent: RunAgent
    answers: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    calls: Calls = field(default_factory=Calls)
    meeting: Meeting | None = None
    level: int = 0
    secret: str = CANARY

    def meet(self, number: int) -> None:
        """Makes calls wait until `number` of them are in progress."""
        self.meeting = Meeting(number, self.calls)

    def next_level(self) -> "ScriptedHostFunctions":
        """Returns the host functions for an agent that this run calls."""
        return ScriptedHostFunctions(
            self.client, self.settings, self.run_agent, self.answers, self.calls, None, self.level + 1, self.secret
        )

    async def call_model(
        self,
        provider: str | None,
        model: str | None,
        messages: JsonValue,
        parameters: JsonObject,
        tools: list[JsonValue],
        timeout: float | None,
    ) -> ModelAnswer:
        self.calls.models.append(
            {
                "provider": provider,
                "model": model,
                "messages": messages,
                "parameters": parameters,
                "tools": tools,
                "timeout": timeout,
            }
        )
        await self._wait_for_meeting()
        question = _last_text(messages)
        for part, answer in self.answers:
            if part in question:
                thoughts = {"reasoning": f"I was asked: {question[:20]}"}
                return ModelAnswer(answer, thoughts, model or "scripted", "stop", len(question), len(answer), 1)
        raise CallFailed(f"The model has no answer to {question[:100]!r}.")

    async def http(self, call: HttpCall) -> HttpResponse:
        self.calls.http.append(call)
        try:
            request = self.client.build_request(
                call.method,
                call.url,
                params=httpx.QueryParams([*call.params]) if call.params else None,
                headers=call.headers,
                json=call.json,
                data=_form(call.data),
                content=call.content,
                timeout=call.timeout or 5,
            )
        except (httpx.InvalidURL, ValueError, TypeError) as error:
            raise CallFailed("The request cannot be sent.", ValueError) from error
        if request.url.host != "127.0.0.1":
            raise CallFailed(f"{request.url.host} is not a public address.", PermissionError)
        try:
            response = await self.client.send(request, follow_redirects=call.follow_redirects)
        except httpx.TimeoutException as error:
            raise CallFailed("The server did not respond in time.", TimeoutError, name="TimeoutException") from error
        except httpx.TransportError as error:
            raise CallFailed("The connection failed.", ConnectionError, name="ConnectError") from error
        return HttpResponse(
            response.status_code,
            response.reason_phrase,
            response.headers.multi_items(),
            response.content,
            str(response.url),
        )

    async def call_tool(self, url: str, token: str | None, tool: str, arguments: JsonObject) -> JsonValue:
        from shared.outbound.mcp import call_tool  # importing its SDK takes a long time

        self.calls.tools.append((url, token, tool, arguments))
        await self._wait_for_meeting()
        try:
            return await call_tool(url, token, tool, arguments, self.settings)
        except OutboundError as error:
            raise CallFailed(error.message) from error

    async def list_tools(self, url: str, token: str | None) -> list[ToolDoc]:
        from shared.outbound.mcp import list_tools

        try:
            tools = await list_tools(url, token, self.settings)
        except OutboundError as error:
            raise CallFailed(error.message) from error
        return [ToolDoc(tool.name, tool.description, tool.input_schema) for tool in tools]

    async def call_agent(self, name: str, input_dict: JsonObject) -> JsonValue:
        self.calls.agents.append((name, input_dict))
        await self._wait_for_meeting()
        if self.level >= MAX_LEVEL:
            raise CallFailed("Agents call each other too deeply.")
        outcome = await self.run_agent(name, input_dict, self.level + 1)
        if outcome.failure:
            raise CallFailed(f"The agent {name} failed: {outcome.failure.error}", cause=outcome.failure.cause)
        return outcome.result

    async def _wait_for_meeting(self) -> None:
        if self.meeting:
            await self.meeting.wait()


def _form(pairs: list[tuple[str, str]] | None) -> dict[str, list[str]] | None:
    if pairs is None:
        return None
    form: dict[str, list[str]] = {}
    for name, value in pairs:
        form.setdefault(name, []).append(value)
    return form


def _last_text(messages: Any) -> str:
    """Returns the text of the last message. Agent code may pass any other value, which is then converted to text."""
    try:
        return str(messages[-1]["content"])
    except (KeyError, IndexError, TypeError):
        return str(messages)

"""Writing an agent: a model writes its code, which is checked until it holds, and names it. All of it is charged."""

import asyncio
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from shared.llm.catalog import CatalogError, check_call
from shared.llm.failures import ModelFailure
from shared.log import get_logger
from shared.models.agent import StoredAgent
from shared.models.caller import Caller
from shared.models.chat import ChatRequest, ChatResult, Message
from shared.models.code_writing import GenerateCodeRequest, GenerateCodeResponse
from shared.models.errors import BadRequest, UpstreamFailed, UpstreamTooSlow
from shared.models.money import to_micros
from shared.sandbox import Engine, Limits
from shared.services.budgets import Budget, BudgetSpent
from shared.services.code_docs import agent_docs, model_docs, spec_docs, tool_docs
from shared.services.code_prompt import (
    NAME_RULES,
    code_of,
    code_rules,
    mend_text,
    name_and_docstring,
    name_text,
    request_text,
)
from shared.services.model_calls import ModelCallService
from shared.settings import Settings
from shared.store import Database

_log = get_logger("code_writing")
_MENDINGS = 2
_MOST_NAMES = 50
_TOOL_DOCS_SECONDS = 15


@dataclass
class _Writing:
    """One request's. Calls are numbered, and named for what they cost by `id`."""

    caller: Caller
    request: GenerateCodeRequest
    budget: Budget
    id: str = field(default_factory=lambda: f"write-{uuid4()}")
    calls: int = 0


@dataclass(frozen=True)
class CodeWritingService:
    """Lives as long as a request."""

    database: Database
    model_calls: ModelCallService
    engine: Engine
    settings: Settings

    async def write(self, caller: Caller, request: GenerateCodeRequest) -> GenerateCodeResponse:
        """Code that parses, loads in the sandbox and defines `run`; a name that no deployment has; a docstring.

        Raises `BadRequest` for a model, tool, spec or agent that cannot be used, `AllowanceSpent`, `UpstreamFailed`
        when the model or an MCP server fails or the code does not hold after two mendings, `UpstreamTooSlow`, and
        `Unavailable`.
        """
        self._refuse_uncallable(request)
        seconds = self.settings.run_timeout_seconds
        budget = Budget(seconds, self.settings.run_max_calls, to_micros(self.settings.run_max_cost))
        writing = _Writing(caller, request, budget)
        try:
            async with asyncio.timeout(seconds):
                text = await self._text(writing)
                (code, thoughts), (name, docstring) = await _both(self._code(writing, text), self._name(writing))
                name = await self._free(name)
        except TimeoutError as error:
            raise UpstreamTooSlow(f"The code was not written within {seconds:g} s. Choose a faster model.") from error
        return GenerateCodeResponse(code=code, friendly_name=name, docstring=docstring, thoughts=thoughts)

    def _refuse_uncallable(self, request: GenerateCodeRequest) -> None:
        try:
            route = self.model_calls.catalog.route(request.composer.provider, request.composer.model)
            check_call(route, request.composer.parameters, request.built_in_tools)
        except CatalogError as error:
            raise BadRequest(str(error)) from error

    async def _text(self, writing: _Writing) -> str:
        """The user message, with the docs of all that the agent may use."""
        request = writing.request
        specs = await asyncio.to_thread(spec_docs, request.swagger_specs)
        models = model_docs(request.invokable_models, self.model_calls.catalog)
        tools, agents = await _both(tool_docs(request.tools, self.settings, _TOOL_DOCS_SECONDS), self._agents(writing))
        docs = {
            "MCP tools": tools,
            "HTTP APIs, to be called through `http_client`": specs,
            "Models": models,
            "Agents": agent_docs(agents),
        }
        return request_text(request.description, request.input_schema, request.output_schema, docs)

    async def _agents(self, writing: _Writing) -> list[StoredAgent]:
        """Raises `BadRequest` for one that the caller cannot see."""
        ids = writing.request.gofannon_agents
        if not ids:
            return []
        async with self.database.outages_told():
            found = {agent.id: agent for agent in await self.database.agents.get_many(ids)}
        agents: list[StoredAgent] = []
        for id_ in ids:
            agent = found.get(id_)
            if agent is None or not (agent.owner == writing.caller.uid or agent.fields.visibility == "shared"):
                raise BadRequest(f"There is no agent {id_[:100]!r} in gofannonAgents.")
            agents.append(agent)
        return agents

    async def _code(self, writing: _Writing, text: str) -> tuple[str, Any]:
        """The code, and what the model thought. Told what is wrong with it, the model may mend it twice."""
        messages = [Message(role="system", content=code_rules()), Message(role="user", content=text)]
        error = ""
        for _ in range(1 + _MENDINGS):
            result = await self._asked(writing, messages, tools=writing.request.built_in_tools)
            code = code_of(result.content)
            failure = await self.engine.load(code, self._limits(writing))
            if failure is None:
                return code, result.thoughts
            error = failure.error
            messages = [
                *messages[:2],
                Message(role="assistant", content=code),
                Message(role="user", content=mend_text(failure.traceback or failure.error)),
            ]
        _log.warning("A model wrote no code that holds", extra={"fields": {"id": writing.id, "error": error}})
        raise UpstreamFailed(f"The model wrote no code that runs, in {1 + _MENDINGS} attempts. The last error: {error}")

    async def _name(self, writing: _Writing) -> tuple[str, str]:
        """A name and a docstring. They need no docs of what the agent uses."""
        request = writing.request
        text = name_text(request_text(request.description, request.input_schema, request.output_schema, {}))
        messages = [Message(role="system", content=NAME_RULES), Message(role="user", content=text)]
        result = await self._asked(writing, messages, tools=[])
        return name_and_docstring(result.content, request.description)

    async def _asked(self, writing: _Writing, messages: list[Message], tools: list[str]) -> ChatResult:
        composer = writing.request.composer
        request = ChatRequest(
            messages=messages,
            provider=composer.provider,
            model=composer.model,
            parameters=composer.parameters,
            built_in_tools=tools,
        )
        writing.calls += 1
        try:
            return await self.model_calls.call(
                writing.caller,
                f"{writing.id}-{writing.calls}",
                request,
                writing.budget,
                self.settings.model_timeout_seconds,
                {"purpose": "generate-code", "id": writing.id},
            )
        except CatalogError as error:
            raise BadRequest(str(error)) from error
        except (ModelFailure, BudgetSpent) as error:
            if not writing.budget.seconds_left:
                raise TimeoutError from error
            raise UpstreamFailed(f"The code could not be written: {error}") from error

    async def _free(self, name: str) -> str:
        """The name, or the first of name_2, name_3 … that nothing is published under. One look-up of all of them."""
        names = [name, *(f"{name}_{number}" for number in range(2, _MOST_NAMES))]
        async with self.database.outages_told():
            taken = await self.database.deployments.taken(names)
        return next((free for free in names if free not in taken), f"{name}_{uuid4().hex[:8]}")

    def _limits(self, writing: _Writing) -> Limits:
        return Limits(
            seconds=max(0.1, writing.budget.seconds_left),
            cpu_seconds=self.settings.run_cpu_seconds,
            memory_bytes=self.settings.run_memory_bytes,
            log_bytes=0,
            result_bytes=self.settings.run_result_bytes,
        )


async def _both(one: Any, other: Any) -> Any:
    """Side by side; where one fails, the other is ended before the failure is raised."""
    try:
        async with asyncio.TaskGroup() as group:
            tasks = group.create_task(one), group.create_task(other)
    except BaseExceptionGroup as errors:
        raise errors.exceptions[0] from None
    return tuple(task.result() for task in tasks)

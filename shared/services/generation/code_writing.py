"""Writing an agent: a model writes its code, which is checked until it holds, and names it. All of it is charged."""

import asyncio
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from shared.log import get_logger
from shared.models.agent import StoredAgent
from shared.models.caller import Caller
from shared.models.chat import Message
from shared.models.code_writing import GenerateCodeRequest, GenerateCodeResponse
from shared.models.errors import AllowanceSpent, BadRequest, Unavailable, UpstreamFailed
from shared.sandbox import Engine, Limits
from shared.services.access import sees
from shared.services.agents.sharers import caller_of, sharers_of
from shared.services.generation.code_check import fault_of
from shared.services.generation.code_context import agent_docs, model_docs, spec_docs, tool_docs
from shared.services.generation.code_prompt import (
    CODE_RULES,
    NAME_RULES,
    code_of,
    mend_text,
    name_and_docstring,
    name_text,
    request_text,
)
from shared.services.generation.composition import Composer
from shared.services.model_calls import ModelCallService
from shared.settings import Settings
from shared.store import Database

_log = get_logger("code_writing")
_MENDINGS = 2
_MOST_NAMES = 50
_TOOL_DOCS_SECONDS = 15
_LAST_SECONDS = 2.0
"""Of a request, for what comes after the models."""


@dataclass(frozen=True)
class CodeWritingService:
    """Lives as long as a request."""

    database: Database
    model_calls: ModelCallService
    engine: Engine
    settings: Settings

    async def write(self, caller: Caller, request: GenerateCodeRequest) -> GenerateCodeResponse:
        """Code that parses, loads in the sandbox and whose `run` returns something; a name that no deployment has; a
        docstring. Where naming it fails, the code is paid for all the same, and both are made from the description.

        Raises `BadRequest` for a model, tool, spec or agent that cannot be used, `AllowanceSpent`, `UpstreamFailed`
        when the model or an MCP server fails or the code does not hold after two mendings, `UpstreamTooSlow`, and
        `Unavailable`.
        """
        composer = Composer(
            self.model_calls, self.settings, caller, request.composer, request.built_in_tools, what="code"
        )
        async with composer.in_time():
            text = await self._text(caller, request)
            naming = asyncio.create_task(_name(composer, request))
            try:
                code, thoughts = await self._code(composer, text, caller)
                name, docstring = await _or_by_itself(naming, composer, request)
            finally:
                naming.cancel()
                await asyncio.gather(naming, return_exceptions=True)
            name = await self._free(name)
        return GenerateCodeResponse(code=code, friendly_name=name, docstring=docstring, thoughts=thoughts)

    async def _text(self, caller: Caller, request: GenerateCodeRequest) -> str:
        """The user message, with the docs of all that the agent may use."""
        specs = await asyncio.to_thread(spec_docs, request.swagger_specs)
        models = model_docs(request.invokable_models, self.model_calls.catalog)
        tools, agents = await _both(
            tool_docs(request.tools, self.settings, _TOOL_DOCS_SECONDS), self._agents(caller, request.gofannon_agents)
        )
        docs = {
            "MCP tools": tools,
            "HTTP APIs, to be called through `http_client`": specs,
            "Models": models,
            "Agents": agent_docs(agents),
        }
        return request_text(request.description, request.input_schema, request.output_schema, docs)

    async def _agents(self, caller: Caller, ids: list[str]) -> list[StoredAgent]:
        """Raises `BadRequest` for one that the caller cannot see."""
        if not ids:
            return []
        async with self.database.raising_unavailable():
            found = {agent.id: agent for agent in await self.database.agents.get_many(ids)}
        agents: list[StoredAgent] = []
        for id_ in ids:
            agent = found.get(id_)
            if agent is None or not sees(caller, agent):
                raise BadRequest(f"There is no agent {id_[:100]!r} in gofannonAgents.")
            agents.append(agent)
        return agents

    async def _code(self, composer: Composer, text: str, caller: Caller) -> tuple[str, Any]:
        """The code, and what the model thought. Told what is wrong with it, the model may mend it twice."""
        messages = [Message(role="system", content=CODE_RULES), Message(role="user", content=text)]
        error = ""
        for _ in range(1 + _MENDINGS):
            result = await composer.ask(messages)
            code = code_of(result.content)
            whose = sharers_of(caller.uid), caller_of(caller.uid, caller.uid)
            failure = await self.engine.load(code, self._limits(composer), *whose)
            told = fault_of(code) if failure is None else failure.traceback or failure.error
            if told is None:
                return code, result.thoughts
            error = told if failure is None else failure.error
            messages = [
                *messages[:2],
                Message(role="assistant", content=code),
                Message(role="user", content=mend_text(told)),
            ]
        _log.warning("A model wrote no code that holds", extra={"fields": {"id": composer.id, "error": error}})
        raise UpstreamFailed(f"The model wrote no code that runs, in {1 + _MENDINGS} attempts. The last error: {error}")

    async def _free(self, name: str) -> str:
        """The name, or the first of name_2, name_3 … that nothing is published under. One look-up of all of them."""
        names = [name, *(f"{name}_{number}" for number in range(2, _MOST_NAMES))]
        try:
            async with self.database.raising_unavailable():
                taken = await self.database.deployments.taken(names)
        except Unavailable:
            taken = set(names)
        return next((free for free in names if free not in taken), f"{name}_{uuid4().hex[:8]}")

    def _limits(self, composer: Composer) -> Limits:
        return Limits(
            seconds=max(0.1, composer.budget.seconds_left),
            cpu_seconds=self.settings.run_cpu_seconds,
            memory_bytes=self.settings.run_memory_bytes,
            log_bytes=0,
            result_bytes=self.settings.run_result_bytes,
        )


async def _name(composer: Composer, request: GenerateCodeRequest) -> tuple[str, str]:
    """A name and a docstring. They need no docs of what the agent uses, and no tools."""
    text = name_text(request_text(request.description, request.input_schema, request.output_schema, {}))
    messages = [Message(role="system", content=NAME_RULES), Message(role="user", content=text)]
    return name_and_docstring((await composer.ask(messages, tools=[])).content, request.description)


async def _or_by_itself(
    naming: asyncio.Task[tuple[str, str]], composer: Composer, request: GenerateCodeRequest
) -> tuple[str, str]:
    """The name and docstring, or those made from the description if there are none in time."""
    try:
        async with asyncio.timeout(max(0.0, composer.budget.seconds_left - _LAST_SECONDS)):
            return await naming
    except (UpstreamFailed, AllowanceSpent, BadRequest, Unavailable, TimeoutError) as error:
        _log.warning("A model wrote an agent and no name for it: %r", error, extra={"fields": {"id": composer.id}})
        return name_and_docstring("", request.description)


async def _both(one: Any, other: Any) -> Any:
    """Side by side; where one fails, the other is ended before the failure is raised."""
    try:
        async with asyncio.TaskGroup() as group:
            tasks = group.create_task(one), group.create_task(other)
    except BaseExceptionGroup as errors:
        raise errors.exceptions[0] from None
    return tuple(task.result() for task in tasks)

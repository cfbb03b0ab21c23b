"""Has a model write an agent's code, which is checked and corrected, and name the agent. The caller is charged."""

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
from shared.services.access import can_see
from shared.services.agents.sharer_names import caller_of, sharers_of
from shared.services.generation.code_answer import read_code
from shared.services.generation.code_check import find_fault
from shared.services.generation.code_context import describe_agents, describe_models, describe_specs, describe_tools
from shared.services.generation.code_prompt import (
    CODE_RULES,
    NAME_RULES,
    write_fix_request,
    write_naming_request,
    write_request,
)
from shared.services.generation.composition import Composer
from shared.services.generation.friendly_names import read_name_and_docstring
from shared.services.model_calls import ModelCallService
from shared.settings import Settings
from shared.store import Database

_log = get_logger("code_writing")
_MAX_ATTEMPTS = 3
_MAX_NAMES = 50
_TOOL_DOCS_SECONDS = 15
_RESERVED_SECONDS = 2.0
"""The part of a request's time that is reserved for the steps after the model's calls."""


@dataclass(frozen=True)
class CodeWritingService:
    """Has models write agents."""

    database: Database
    model_calls: ModelCallService
    engine: Engine
    settings: Settings

    async def write(self, caller: Caller, request: GenerateCodeRequest) -> GenerateCodeResponse:
        """Has a model write code that loads in the sandbox and whose `run` returns a value, and name and document it.

        Chooses a name that no deployment has. If naming fails, still returns the code, which has been paid for, with a
        name and a docstring derived from the description. The caller is charged for every call of the model.

        Raises `BadRequest` for a model, tool, spec or agent that cannot be used, `AllowanceSpent`, `UpstreamFailed`
        if the model or an MCP server fails or the third version of the code still fails its checks, `UpstreamTooSlow`,
        and `Unavailable`.
        """
        composer = Composer(
            self.model_calls, self.settings, caller, request.composer, request.built_in_tools, subject="code"
        )
        async with composer.limit_time():
            prompt = await self._write_prompt(caller, request)
            naming = asyncio.create_task(_name(composer, request))
            try:
                code, thoughts = await self._write_code(composer, prompt, caller)
                name, docstring = await _name_or_derive(naming, composer, request)
            finally:
                naming.cancel()
                await asyncio.gather(naming, return_exceptions=True)
            name = await self._choose_free(name)
        return GenerateCodeResponse(code=code, friendly_name=name, docstring=docstring, thoughts=thoughts)

    async def _write_prompt(self, caller: Caller, request: GenerateCodeRequest) -> str:
        """Writes the user message, which describes everything that the agent may use."""
        specs = await asyncio.to_thread(describe_specs, request.swagger_specs)
        models = describe_models(request.invokable_models, self.model_calls.catalog)
        tools, agents = await _gather_both(
            describe_tools(request.tools, self.settings, _TOOL_DOCS_SECONDS),
            self._get_agents(caller, request.gofannon_agents),
        )
        docs = {
            "MCP tools": tools,
            "HTTP APIs, which the code calls through `http_client`": specs,
            "Models": models,
            "Agents": describe_agents(agents),
        }
        return write_request(request.description, request.input_schema, request.output_schema, docs)

    async def _get_agents(self, caller: Caller, ids: list[str]) -> list[StoredAgent]:
        """Reads the agents with one query. Raises `BadRequest` for an agent that does not exist or is hidden."""
        if not ids:
            return []
        async with self.database.raising_unavailable():
            stored = {agent.id: agent for agent in await self.database.agents.get_many(ids)}
        agents: list[StoredAgent] = []
        for id_ in ids:
            agent = stored.get(id_)
            if agent is None or not can_see(caller, agent):
                raise BadRequest(f"There is no agent {id_[:100]!r} in gofannonAgents.")
            agents.append(agent)
        return agents

    async def _write_code(self, composer: Composer, prompt: str, caller: Caller) -> tuple[str, Any]:
        """Returns the code and the model's thoughts. Has the model correct code that fails a check, at most twice."""
        messages = [Message(role="system", content=CODE_RULES), Message(role="user", content=prompt)]
        error = ""
        for _ in range(_MAX_ATTEMPTS):
            result = await composer.call_model(messages)
            code = read_code(result.content)
            sharers = sharers_of(caller.uid), caller_of(caller.uid, caller.uid)
            failure = await self.engine.load(code, self._limits(composer), *sharers)
            problem = find_fault(code) if failure is None else failure.traceback or failure.error
            if problem is None:
                return code, result.thoughts
            error = problem if failure is None else failure.error
            messages = [
                *messages[:2],
                Message(role="assistant", content=code),
                Message(role="user", content=write_fix_request(problem)),
            ]
        _log.warning("A model's code failed its checks", extra={"fields": {"id": composer.id, "error": error}})
        raise UpstreamFailed(f"The model wrote no working code in {_MAX_ATTEMPTS} attempts. The last error: {error}")

    async def _choose_free(self, name: str) -> str:
        """Returns the first of name, name_2, name_3 … that no deployment has. One query for all of them."""
        names = [name, *(f"{name}_{number}" for number in range(2, _MAX_NAMES))]
        try:
            async with self.database.raising_unavailable():
                taken = await self.database.deployments.find_taken(names)
        except Unavailable:
            taken = set(names)
        return next((free for free in names if free not in taken), f"{name}_{uuid4().hex[:8]}")

    def _limits(self, composer: Composer) -> Limits:
        """Returns the limits for loading the code: the usual limits, within the request's remaining time."""
        return Limits(
            seconds=max(0.1, composer.budget.seconds_left),
            cpu_seconds=self.settings.run_cpu_seconds,
            memory_bytes=self.settings.run_memory_bytes,
            log_bytes=0,
            result_bytes=self.settings.run_result_bytes,
        )


async def _name(composer: Composer, request: GenerateCodeRequest) -> tuple[str, str]:
    """Has the model choose a name and a docstring, without tools or descriptions of what the agent uses."""
    prompt = write_naming_request(write_request(request.description, request.input_schema, request.output_schema, {}))
    messages = [Message(role="system", content=NAME_RULES), Message(role="user", content=prompt)]
    return read_name_and_docstring((await composer.call_model(messages, tools=[])).content, request.description)


async def _name_or_derive(
    naming: asyncio.Task[tuple[str, str]], composer: Composer, request: GenerateCodeRequest
) -> tuple[str, str]:
    """Returns the model's name and docstring. If it fails or takes too long, derives them from the description."""
    try:
        async with asyncio.timeout(max(0.0, composer.budget.seconds_left - _RESERVED_SECONDS)):
            return await naming
    except (UpstreamFailed, AllowanceSpent, BadRequest, Unavailable, TimeoutError) as error:
        _log.warning("A model wrote an agent but did not name it: %r", error, extra={"fields": {"id": composer.id}})
        return read_name_and_docstring("", request.description)


async def _gather_both(first: Any, second: Any) -> Any:
    """Runs both concurrently and returns their results. If one fails, cancels the other before raising its error."""
    try:
        async with asyncio.TaskGroup() as group:
            tasks = group.create_task(first), group.create_task(second)
    except BaseExceptionGroup as errors:
        raise errors.exceptions[0] from None
    return tuple(task.result() for task in tasks)

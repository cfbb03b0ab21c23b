"""Published agents, as those who call them meet them: found by friendly name, given input, run."""

import asyncio
from dataclasses import dataclass

from pydantic import JsonValue

from shared.log import get_logger
from shared.models.agent import StoredAgent
from shared.models.caller import Caller
from shared.models.errors import AgentFailed, AllowanceSpent, InvalidInput, NotFound
from shared.models.wire import JsonObject
from shared.services.rate_limits import RateLimitService
from shared.services.run_time import RunTimeService
from shared.services.running import Finished, RunService
from shared.services.schemas import problems
from shared.settings import Settings
from shared.store import Database

_log = get_logger("published")


@dataclass(frozen=True)
class Answer:
    """A published agent's result. `warnings`: how it breaks the agent's own output schema."""

    run_id: str
    result: JsonValue
    warnings: list[str]


@dataclass(frozen=True)
class PublishedService:
    """Lives as long as a request."""

    database: Database
    runs: RunService
    settings: Settings

    @property
    def limits(self) -> RateLimitService:
        return RateLimitService(self.database)

    async def call(self, friendly_name: str, input_dict: JsonObject, address: str) -> Answer:
        """Runs the agent at its owner's expense, for anybody. `address`: where the caller is.

        Raises `NotFound`, `TooManyRequests`, `InvalidInput`, `AllowanceSpent` when its owner has nothing left for it,
        `AgentFailed`, and `Unavailable`.
        """
        agent = await find(self.database, friendly_name)
        # Not at the same time: made-up names would each leave a document.
        await self.limits.take(f"rest:{friendly_name}:{address}", self.settings.rest_rate_per_minute)
        await asyncio.to_thread(refuse_invalid, agent, input_dict)
        payer, seconds = Caller(uid=agent.owner), self.settings.run_timeout_seconds
        async with RunTimeService(self.database, self.settings).counted(payer.uid):
            run = await self.runs.run_agent(payer, agent, input_dict, seconds)
        failure = run.outcome.failure
        if failure is None:
            return Answer(run.run_id, run.outcome.result, await asyncio.to_thread(_warnings, agent, run))
        if isinstance(failure.cause, AllowanceSpent):
            raise AllowanceSpent("The agent's owner has nothing left to pay for what it calls. Tell them, or wait.")
        raise AgentFailed(run.run_id)


async def find(database: Database, friendly_name: str) -> StoredAgent:
    """The agent that is published under the name. Two reads. Raises `NotFound`."""
    async with database.outages_told():
        deployment = await database.deployments.get(friendly_name)
        agent = await database.agents.get(deployment.agent_id) if deployment else None
    if agent is None:
        raise NotFound(f"No agent is published as {friendly_name[:100]!r}.")
    return agent


def refuse_invalid(agent: StoredAgent, input_dict: JsonObject) -> None:
    """Raises `InvalidInput` for what the agent's input schema does not take."""
    schema = agent.fields.input_schema
    if schema and (found := problems(schema, input_dict)):
        raise InvalidInput([(problem.type, problem.loc, problem.message) for problem in found])


def _warnings(agent: StoredAgent, run: Finished) -> list[str]:
    schema = agent.fields.output_schema
    if not schema:
        return []
    warnings = [
        f"{'.'.join(str(part) for part in problem.loc) or 'result'}: {problem.message}"
        for problem in problems(schema, run.outcome.result)
    ]
    if warnings:
        _log.warning("A result breaks its schema", extra={"fields": {"run": run.run_id, "agent": agent.id}})
    return warnings

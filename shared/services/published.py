"""Published agents, as those who call them meet them: found by friendly name, given input, run."""

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime

from pydantic import JsonValue

from shared.log import get_logger
from shared.models.agent import StoredAgent
from shared.models.caller import Caller
from shared.models.errors import AgentFailed, AllowanceSpent, DeploymentBudgetSpent, InvalidInput, NotFound
from shared.models.wire import JsonObject
from shared.services.deployment_budgets import DeploymentBudget, DeploymentBudgets
from shared.services.rate_limits import RateLimitService
from shared.services.running import Finished, RunService
from shared.services.schema_texts import read_texts
from shared.services.schemas import as_json_schema, problems
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
        `DeploymentBudgetSpent` when strangers have spent what they may on this day, `AgentFailed`, and `Unavailable`.
        """
        (agent, budget), _ = await asyncio.gather(
            self._find(friendly_name),
            self.limits.take(f"rest:{friendly_name}:{address}", self.settings.rest_rate_per_minute),
        )
        input_dict = await asyncio.to_thread(fit_input, agent, input_dict)
        owner, seconds = Caller(uid=agent.owner), self.settings.run_timeout_seconds
        run = await self.runs.run_agent(owner, agent, input_dict, seconds, deployment=budget)
        failure = run.outcome.failure
        if failure is None:
            return Answer(run.run_id, run.outcome.result, await asyncio.to_thread(_warnings, agent, run))
        if isinstance(failure.cause, AllowanceSpent):
            raise AllowanceSpent("The agent's owner has nothing left to pay for what it calls. Tell them, or wait.")
        if isinstance(failure.cause, DeploymentBudgetSpent):
            raise failure.cause
        raise AgentFailed(run.run_id)

    async def _find(self, friendly_name: str) -> tuple[StoredAgent, DeploymentBudget]:
        """The agent, and what it may spend on this day. Three reads, two of them at once."""
        async with self.database.outages_told():
            deployment = await self.database.deployments.get(friendly_name)
        if deployment is None:
            raise _unknown(friendly_name)
        budget = DeploymentBudget.of(deployment, self.settings)
        async with self.database.outages_told():
            agent, _ = await asyncio.gather(
                self.database.agents.get(deployment.agent_id),
                DeploymentBudgets(self.database).refuse_spent(budget, datetime.now(UTC)),
            )
        if agent is None:
            raise _unknown(friendly_name)
        return agent, budget


async def find(database: Database, friendly_name: str) -> StoredAgent:
    """The agent that is published under the name. Two reads. Raises `NotFound`."""
    async with database.outages_told():
        deployment = await database.deployments.get(friendly_name)
        agent = await database.agents.get(deployment.agent_id) if deployment else None
    if agent is None:
        raise _unknown(friendly_name)
    return agent


def _unknown(friendly_name: str) -> NotFound:
    return NotFound(f"No agent is published as {friendly_name[:100]!r}.")


def fit_input(agent: StoredAgent, input_dict: JsonObject) -> JsonObject:
    """The input as the agent takes it: itself where its schema takes it so, else with the texts of forms read.

    Raises `InvalidInput` for what the schema does not take either way.
    """
    schema = agent.fields.input_schema
    if not schema or not (found := problems(schema, input_dict)):
        return input_dict
    read = read_texts(as_json_schema(schema), input_dict)
    if read is not input_dict:
        found = problems(schema, read)
    if found:
        raise InvalidInput([(problem.type, problem.loc, problem.message) for problem in found])
    return read


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

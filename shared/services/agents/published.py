"""Calls published agents: finds them by friendly name, checks the input, and runs them.

Here the payer is the agent's owner, unless the policy of its deployment has callers pay. Callers of a public agent may
be anyone on the web, are told apart by their addresses, and are not charged. In chats with a published agent
(`shared.services.chat.agent_chat`), the payer is the caller.
"""

import asyncio
from dataclasses import dataclass
from uuid import uuid4

from shared import clock
from shared.json_schema.validation import find_problems
from shared.log import get_logger
from shared.models.agent import StoredAgent
from shared.models.errors import (
    AgentFailed,
    AllowanceSpent,
    DeploymentBudgetSpent,
    TooManyRequests,
    Unavailable,
)
from shared.models.idempotency import KeyedRequest
from shared.models.wire import JsonObject
from shared.services.agents.input_fitting import fit_input
from shared.services.agents.published_lookup import Identify, PublishedCall, PublishedLookUp
from shared.services.agents.run_time import RunTimeService
from shared.services.agents.runs import FinishedRun, RunService
from shared.services.agents.stored_runs import PublishedAnswer, StoredRuns, replay
from shared.settings import Settings
from shared.store import Database

_log = get_logger("published")
_MAX_WARNING_CHARACTERS = 500
"""The maximum length of a warning. Warnings are stored in one document with a result, which may nearly fill it."""


@dataclass(frozen=True)
class PublishedService:
    """Calls published agents."""

    database: Database
    runs: RunService
    settings: Settings

    @property
    def look_up(self) -> PublishedLookUp:
        """Finds the agents that are called."""
        return PublishedLookUp(self.database, self.settings)

    @property
    def stored_runs(self) -> StoredRuns:
        """The stored runs of requests with a key."""
        return StoredRuns(self.database, self.settings)

    async def call(
        self,
        friendly_name: str,
        input_dict: JsonObject,
        address: str,
        key: str | None = None,
        identify: Identify | None = None,
    ) -> PublishedAnswer:
        """Runs the agent. `address` is the caller's address. `identify` is called unless the agent is public.

        With a `key`, the same input from the same user, or from the same address for a public agent, runs once in 24
        hours, and gets the same result again. A request that was refused before it had any effect is not stored.

        Raises what `PublishedLookUp.find` raises, `InvalidInput`, `AllowanceSpent` if the payer has nothing left,
        `DeploymentBudgetSpent` if callers have spent the agent's budget for the day, `AgentFailed`, and `Unavailable`;
        with a key also what `replay` raises.
        """
        call, now = await self.look_up.find(friendly_name, input_dict, address, key, identify)
        if call.stored is not None:
            return replay(call.stored, now)
        call.refuse_spent(now)
        input_dict = await fit_input(call.agent, input_dict)
        run_id = f"run-{uuid4()}"
        if call.request is None:
            return await self._to_answer(call, await self._run(call, input_dict, run_id))
        if (stored := await self.stored_runs.claim(call.request, run_id)) is not None:
            return replay(stored, clock.now())
        return await self._run_once(call, call.request, input_dict, run_id)

    async def _run_once(
        self, call: PublishedCall, request: KeyedRequest, input_dict: JsonObject, run_id: str
    ) -> PublishedAnswer:
        """Runs the agent after a claim, and stores the result. Stores no internal error: its effects are unknown."""
        try:
            run = await self._run(call, input_dict, run_id)
        except (TooManyRequests, Unavailable):  # the run has not started
            await self.stored_runs.forget(request, run_id)
            raise
        try:
            answer = await self._to_answer(call, run)
        except AgentFailed as error:
            await self.stored_runs.store(request, run_id, error)
            raise
        except (AllowanceSpent, DeploymentBudgetSpent) as error:
            if run.calls > 1:
                await self.stored_runs.store(request, run_id, error)
            else:  # its only call was refused
                await self.stored_runs.forget(request, run_id)
            raise
        await self.stored_runs.store(request, run_id, answer)
        return answer

    async def _run(self, call: PublishedCall, input_dict: JsonObject, run_id: str) -> FinishedRun:
        payer, seconds = call.payer, self.settings.run_timeout_seconds
        requested_by = call.address if call.caller is None else call.caller.uid
        run_time = RunTimeService(self.database, self.settings)
        async with run_time.count(payer.uid, is_public=call.budget is not None) as on_start:
            return await self.runs.run_agent(
                payer, call.agent, input_dict, seconds, run_id, call.budget, on_start, requested_by
            )

    async def _to_answer(self, call: PublishedCall, run: FinishedRun) -> PublishedAnswer:
        """Returns the result. Raises `AgentFailed`, `AllowanceSpent`, `DeploymentBudgetSpent` for a failed run."""
        failure = run.outcome.failure
        if failure is None:
            agent = call.agent
            warnings = await asyncio.to_thread(_check_output, agent, run) if agent.fields.output_schema else []
            return PublishedAnswer(run.run_id, run.outcome.result, warnings)
        if isinstance(failure.cause, AllowanceSpent):
            raise call.explain(failure.cause)
        if isinstance(failure.cause, DeploymentBudgetSpent):
            raise failure.cause
        raise AgentFailed(run.run_id)


def _check_output(agent: StoredAgent, run: FinishedRun) -> list[str]:
    """Returns how the result violates the agent's output schema, and logs that it does."""
    schema = agent.fields.output_schema
    if not schema:
        return []
    warnings = [
        f"{'.'.join(str(part) for part in problem.loc) or 'result'}: {problem.message}"[:_MAX_WARNING_CHARACTERS]
        for problem in find_problems(schema, run.outcome.result)
    ]
    if warnings:
        _log.warning("A result violates its schema", extra={"fields": {"run": run.run_id, "agent": agent.id}})
    return warnings

"""Chat with a published agent: the newest message and the parameters are its input, and its result is the answer.

Here the payer is the caller, a user who owns the ticket. The agent's owner is not charged. When a published agent
is called by its name (`shared.services.agents.published`), the payer is the agent's owner.
"""

import asyncio
import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from pydantic import JsonValue

from shared import clock
from shared.llm.failures import ModelFailure
from shared.log import get_logger
from shared.models.agent import StoredAgent
from shared.models.agent_run import summarize_input
from shared.models.caller import Caller
from shared.models.catalog import GOFANNON
from shared.models.chat import ChatResult, RunInput
from shared.models.errors import AllowanceSpent, Forbidden, InvalidInput, NotFound, Unavailable
from shared.models.money import to_dollars
from shared.models.stored_input import StoredInput
from shared.models.ticket import LeaseLost, Ticket
from shared.models.wire import JsonObject
from shared.sandbox.suspension import Suspended, Suspension
from shared.services.accounts.deployment_budgets import DeploymentBudget, budget_per_day
from shared.services.agents.deployment_access import unknown_agent_error
from shared.services.agents.input_fitting import fit_input
from shared.services.agents.journal import Journal, JournalFull
from shared.services.agents.program_journal import Recording
from shared.services.agents.published_lookup import find_published
from shared.services.agents.runs import FinishedRun, RunService
from shared.services.chat.lease import LeaseHolder
from shared.services.chat.run_pause import RunSuspended
from shared.settings import Settings
from shared.store import Database

_log = get_logger("agent_chat")
OUTPUT_TEXT = "outputText"


CLOSING_MARGIN_SECONDS = 60
"""How much sooner than necessary an attempt starts no more calls, so that it can end before its worker's time is up."""
MAX_ATTEMPTS = 10_000
"""How often a run may be started and continued. Otherwise, one that sleeps again and again would cost its owner nothing
for 30 days."""
MIN_ATTEMPT_SECONDS = 30
ATTEMPT_SHARE = 0.95
"""The part of a worker's time after which a run fails, because one of its calls has not ended."""


@dataclass(frozen=True)
class AgentChatService:
    """Answers tickets by running agents."""

    database: Database
    runs: RunService
    settings: Settings

    async def answer(self, ticket: Ticket, request: StoredInput, holder: LeaseHolder) -> ChatResult:
        """Runs the agent for the ticket. The payer is the ticket's owner. See `AnswerByAgent`."""
        if (days := self.settings.run_max_age_seconds / 86_400) <= (clock.now() - ticket.created_at) / timedelta(
            days=1
        ):
            raise ModelFailure(f"The run has lasted {days:g} days, the limit.", transient=False)
        if ticket.attempts > MAX_ATTEMPTS:
            raise ModelFailure(f"The run has been continued {MAX_ATTEMPTS} times, the limit.", transient=False)
        journal = self._open_journal(ticket)
        try:
            if ticket.attempts > 1:
                await journal.load()
                await _forgive_if_progressed(ticket, journal, holder)
            agent, input_dict = await self._prepare(ticket, request, journal)
            suspension = Suspension(clock.time)
            questions = {question.call: question for question in ticket.questions}
            recording = Recording(journal, suspension, holder.is_valid, questions)
            journal.use(lambda transaction: holder.get_held(ticket.id, transaction), suspension.abort)
            run = await self._run(ticket, agent, input_dict, recording)
            if journal.has_written or journal.has_news:
                await journal.flush()
        finally:
            await journal.close()
        return self._to_result(ticket, agent, run)

    async def _run(
        self, ticket: Ticket, agent: StoredAgent, input_dict: JsonObject, recording: Recording
    ) -> FinishedRun:
        """Runs the agent. Raises `RunSuspended`, `LeaseLost`, `ModelFailure`, `Unavailable`."""
        seconds = self.settings.worker_timeout_seconds - self.settings.model_timeout_seconds - CLOSING_MARGIN_SECONDS
        closing = asyncio.get_running_loop().call_later(max(MIN_ATTEMPT_SECONDS, seconds), recording.suspension.close)
        payer = Caller(uid=ticket.owner, key=ticket.key)
        try:
            deployment = await self._find_budget(ticket)
            limit = self.settings.worker_timeout_seconds * ATTEMPT_SHARE
            return await self.runs.run_recorded(payer, agent, input_dict, limit, recording, deployment)
        except Suspended as suspended:
            await recording.journal.flush()
            wake_at = None if suspended.wake_at is None else datetime.fromtimestamp(suspended.wake_at, UTC)
            raise RunSuspended(wake_at, list(recording.questions.values())) from None
        except (LeaseLost, Unavailable):
            raise
        except JournalFull as error:
            raise ModelFailure(str(error), transient=False) from error
        except Exception as error:
            _log.exception("An internal error ended an agent's run", extra={"fields": {"ticket": ticket.id}})
            raise ModelFailure("Something went wrong on our side during the agent's run.", transient=True) from error
        finally:
            closing.cancel()

    def _open_journal(self, ticket: Ticket) -> Journal:
        days = self.settings.ticket_retention_days
        kept = timedelta(seconds=self.settings.run_max_age_seconds) + timedelta(days=days or 36_500)
        return Journal(self.database, ticket.id, ticket.attempts, ticket.owner, ticket.created_at + kept)

    async def _prepare(self, ticket: Ticket, request: StoredInput, journal: Journal) -> tuple[StoredAgent, JsonObject]:
        """Returns the agent, with the code that the run started with, and its input. Raises `ModelFailure`."""
        history, input_dict = journal.history, summarize_input(request)
        try:
            agent = history.agents[""] if history.is_resumed else await self._find_agent(ticket, request)
            input_dict = await fit_input(agent, input_dict)
        except (NotFound, Forbidden) as error:
            raise ModelFailure(error.message, transient=False) from error
        except InvalidInput as error:
            raise ModelFailure(f"The agent does not accept this input: {error.summary}", transient=False) from error
        return journal.begin(agent), input_dict

    async def _find_agent(self, ticket: Ticket, request: StoredInput) -> StoredAgent:
        """Returns the agent that a chat names, or that a run was started for. Raises `NotFound`, `Forbidden`.

        Raises `NotFound` also if the name has become another agent's, which the caller may not be allowed to call.
        """
        if not isinstance(request, RunInput):
            agent = await find_published(self.database, ticket.model)
            if ticket.called_agent not in (None, agent.id):
                raise unknown_agent_error(ticket.model)
            return agent
        async with self.database.raising_unavailable():
            agent = await self.database.agents.get(ticket.agent_id or "")
        if agent is None:
            raise NotFound("The agent was deleted before its run started.")
        return agent

    async def _find_budget(self, ticket: Ticket) -> DeploymentBudget | None:
        """Returns the budget of the published agent that was called by its name. One read.

        If the name is no longer the agent's, that is the budget when the run was accepted.
        """
        if not ticket.is_public or ticket.agent_id is None:
            return None
        async with self.database.raising_unavailable():
            deployment = await self.database.deployments.get(ticket.model)
        if deployment is not None and deployment.agent_id == ticket.agent_id:
            return DeploymentBudget.of(deployment, self.settings)
        return DeploymentBudget(ticket.agent_id, ticket.owner, budget_per_day(ticket.budget_per_day, self.settings))

    def _to_result(self, ticket: Ticket, agent: StoredAgent, run: FinishedRun) -> ChatResult:
        """Returns the result. Raises `ModelFailure` for a run that failed."""
        failure = run.outcome.failure
        if failure is not None:
            if isinstance(failure.cause, AllowanceSpent):
                raise ModelFailure(failure.cause.message, transient=False)
            details = (
                f": {failure.error.removesuffix('.')}" if agent.owner == ticket.owner else f". Its run is {run.run_id}"
            )
            raise ModelFailure(f"The agent failed{details}.", transient=False)
        return ChatResult(
            content=to_content(run.outcome.result),
            thoughts=run.outcome.result,
            model=f"{GOFANNON}/{ticket.model}",
            usage=run.usage,
            cost=to_dollars(run.cost),
        )


async def _forgive_if_progressed(ticket: Ticket, journal: Journal, holder: LeaseHolder) -> None:
    """Does not count earlier attempts if the last one has recorded anything. Then, the run ends in the end."""
    if journal.history.last_attempt == ticket.attempts - 1 > ticket.forgiven:
        await holder.change(ticket.id, lambda held, now: held.forgive(now))


def to_content(result: JsonValue) -> str:
    """Returns the result's `outputText` if it has one, a string unchanged, and any other result as JSON."""
    if isinstance(result, dict) and isinstance(text := result.get(OUTPUT_TEXT), str):
        return text
    return result if isinstance(result, str) else json.dumps(result, ensure_ascii=False)

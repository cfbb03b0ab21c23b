"""Chat with a published agent: the newest message and the parameters are its input, and its result is the answer.

Here the payer is the caller, a user who owns the ticket. The agent's owner is not charged. When a published agent
is called by its name (`shared.services.agents.published`), the payer is the agent's owner.
"""

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from pydantic import JsonValue

from shared.llm.failures import ModelFailure
from shared.log import get_logger
from shared.models.agent import StoredAgent
from shared.models.agent_run import summarize_input
from shared.models.caller import Caller
from shared.models.catalog import GOFANNON
from shared.models.chat import ChatResult, RunInput, StoredInput
from shared.models.errors import AllowanceSpent, Forbidden, InvalidInput, NotFound, Unavailable
from shared.models.money import to_dollars
from shared.models.ticket import Ticket
from shared.services.agents.input_fitting import fit_input
from shared.services.agents.published import find_published
from shared.services.agents.runs import RunService
from shared.settings import Settings
from shared.store import Database

_log = get_logger("agent_chat")
OUTPUT_TEXT = "outputText"


@dataclass(frozen=True)
class AgentChatService:
    """Answers tickets by running agents."""

    database: Database
    runs: RunService
    settings: Settings

    async def answer(
        self, ticket: Ticket, request: StoredInput, mark_begun: Callable[[bool], Awaitable[None]]
    ) -> ChatResult:
        """Runs the agent for the ticket. The payer is the caller, who owns the ticket. See `AnswerByAgent`."""
        input_dict = summarize_input(request)
        try:
            agent = await self._find_agent(ticket, request)
            input_dict = await fit_input(agent, input_dict)
        except (NotFound, Forbidden) as error:
            raise ModelFailure(error.message, transient=False) from error
        except InvalidInput as error:
            raise ModelFailure(f"The agent does not accept this input: {error.summary}", transient=False) from error
        await mark_begun(True)
        payer = Caller(uid=ticket.owner)
        try:
            run = await self.runs.run_agent(
                payer, agent, input_dict, self.settings.model_timeout_seconds, run_id=ticket.id
            )
        except Unavailable:
            await mark_begun(False)
            raise
        except Exception as error:
            _log.exception("An internal error ended an agent's run", extra={"fields": {"ticket": ticket.id}})
            raise ModelFailure("Something went wrong on our side during the agent's run.", transient=False) from error
        failure = run.outcome.failure
        if failure is not None:
            if isinstance(failure.cause, AllowanceSpent):
                raise ModelFailure(failure.cause.message, transient=False)
            details = f": {failure.error}" if agent.owner == ticket.owner else f". Its run is {run.run_id}"
            raise ModelFailure(f"The agent failed{details}.", transient=False)
        return ChatResult(
            content=to_content(run.outcome.result),
            thoughts=run.outcome.result,
            model=f"{GOFANNON}/{ticket.model}",
            usage=run.usage,
            cost=to_dollars(run.cost),
        )

    async def _find_agent(self, ticket: Ticket, request: StoredInput) -> StoredAgent:
        """Returns the agent that a chat names, or that a run was started for. Raises `NotFound`, `Forbidden`."""
        if not isinstance(request, RunInput):
            return await find_published(self.database, ticket.model)
        async with self.database.raising_unavailable():
            agent = await self.database.agents.get(ticket.agent_id or "")
        if agent is None:
            raise NotFound("The agent was deleted before its run started.")
        return agent


def to_content(result: JsonValue) -> str:
    """Returns the result's `outputText` if it has one, a string unchanged, and any other result as JSON."""
    if isinstance(result, dict) and isinstance(text := result.get(OUTPUT_TEXT), str):
        return text
    return result if isinstance(result, str) else json.dumps(result, ensure_ascii=False)

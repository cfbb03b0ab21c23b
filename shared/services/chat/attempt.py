"""One attempt at a ticket: calls its model, or runs its agent, and returns a result that can be stored."""

import asyncio
import contextlib
from dataclasses import dataclass
from typing import Protocol

from shared.llm.catalog import Catalog, CatalogError, ModelRoute
from shared.llm.estimate import NotCovered, bound_cost, fit_output
from shared.llm.failures import ModelFailure
from shared.llm.live import CANCELLED, LiveCall
from shared.log import get_logger
from shared.models.catalog import GOFANNON
from shared.models.chat import ChatRequest, ChatResult, RunInput
from shared.models.errors import AllowanceSpent, NoRunSlot, Unavailable
from shared.models.stored_input import StoredInput
from shared.models.ticket import LeaseLost, Ticket
from shared.services.chat.lease import LeaseHolder
from shared.services.chat.preparation import Preparation
from shared.services.chat.run_pause import RunSuspended
from shared.services.chat.settlement import Settlement
from shared.services.images import fetch_images
from shared.services.model_calls import CompleteChat, complete_and_price
from shared.settings import Settings
from shared.store import Database
from shared.store.tickets import MAX_TEXT_BYTES

_log = get_logger("answering")


class Stopped(Exception):
    """The ticket's owner has cancelled it, and its agent was stopped."""


class AnswerByAgent(Protocol):
    """Runs an agent for a ticket. See `shared.services.chat.agent_chat`."""

    async def __call__(self, ticket: Ticket, request: StoredInput, holder: LeaseHolder) -> ChatResult:
        """Runs the agent, or continues its run. The ticket's owner is charged for its calls.

        Raises `RunSuspended` if the run was put aside, `LeaseLost`, `ModelFailure`, `Unavailable`.
        """
        ...


@dataclass(frozen=True)
class Attempt:
    """Calls the model or the agent of a ticket."""

    database: Database
    catalog: Catalog
    complete: CompleteChat
    answer_by_agent: AnswerByAgent
    settings: Settings
    holder: LeaseHolder
    settlement: Settlement

    async def call(self, ticket: Ticket, preparation: Preparation, live: LiveCall) -> ChatResult:
        """Returns the answer, which is no longer than the ticket's hold covers. `live` follows it and can stop it.

        Raises only `ModelFailure`, `NoRunSlot`, `LeaseLost`, and for an agent `Stopped` and `RunSuspended`. An
        unexpected error is logged, and the attempt is repeated as after an outage.
        """
        try:
            request = await preparation.get_request()
            if ticket.provider == GOFANNON:
                result = await self._run_agent(ticket, request, live)
            else:
                assert isinstance(request, ChatRequest)  # noqa: S101 - a run has an agent
                route = self.catalog.route(ticket.provider, ticket.model)
                request = await self._fit_to_hold(ticket, route, request)
                request = await fetch_images(request, self.settings)
                seconds = self.settings.model_timeout_seconds
                result = await complete_and_price(self.complete, route, request, seconds, ticket.hold, live)
            return fit_to_document(result, is_run=isinstance(request, RunInput))
        except (ModelFailure, LeaseLost, NoRunSlot, Stopped, RunSuspended):
            raise
        except (AllowanceSpent, NotCovered) as error:
            message = "What is left of your allowance does not cover an answer. Send the chat again after a refill."
            raise ModelFailure(message, transient=False) from error
        except CatalogError as error:
            raise ModelFailure(str(error), transient=False) from error
        except Unavailable as error:
            raise ModelFailure(error.message, transient=True) from error
        except Exception as error:
            _log.exception("An attempt at a ticket failed", extra=log_fields(ticket))
            raise ModelFailure("Something went wrong on our side.", transient=True) from error

    async def _run_agent(self, ticket: Ticket, request: StoredInput, live: LiveCall) -> ChatResult:
        """Runs the agent in a task that `live` can stop. Raises `Stopped`, and what `AnswerByAgent` raises."""
        run = asyncio.create_task(self.answer_by_agent(ticket, request, self.holder))
        try:
            with live.stoppable(run.cancel):
                await asyncio.wait({run})
        finally:
            run.cancel()  # has an effect only if this delivery itself is cancelled
            await asyncio.wait({run})
        if run.cancelled():
            raise Stopped
        return run.result()

    async def _fit_to_hold(self, ticket: Ticket, route: ModelRoute, request: ChatRequest) -> ChatRequest:
        """Returns the request with an output limit that the ticket's hold covers.

        If the hold is now too small, for example because prices have risen, makes a new one. Raises `AllowanceSpent`,
        `NotCovered` and `LeaseLost`.
        """
        with contextlib.suppress(NotCovered):
            return fit_output(route, request, ticket.hold)
        bounds = bound_cost(route, request, self.settings)
        return fit_output(route, request, await self.settlement.hold_again(ticket, bounds))


def fit_to_document(result: ChatResult, *, is_run: bool = False) -> ChatResult:
    """Returns the result, without its thoughts if it would be too long to store with them.

    The thoughts of a run are its result, so its text is omitted instead. Raises `ModelFailure` if the answer itself, or
    the run's result, is too long.
    """
    if len(result.model_dump_json().encode()) <= MAX_TEXT_BYTES:
        return result
    if is_run:
        return _refuse_too_long(result.model_copy(update={"content": "The text was too long to store twice."}))
    thoughts = {"omitted": "The thoughts were too long to store."}
    if isinstance(result.thoughts, dict) and (stop := result.thoughts.get("finish_reason")) == CANCELLED:
        thoughts["finish_reason"] = stop
    return _refuse_too_long(result.model_copy(update={"thoughts": thoughts}))


def _refuse_too_long(result: ChatResult) -> ChatResult:
    if (size := len(result.model_dump_json().encode())) <= MAX_TEXT_BYTES:
        return result
    message = f"The answer is {size} bytes long; the limit is {MAX_TEXT_BYTES}. Request a shorter one."
    raise ModelFailure(message, transient=False, cost=result.cost, usage=result.usage)


def log_fields(ticket: Ticket) -> dict[str, dict[str, str | int]]:
    """The fields of log lines about an attempt: the ticket, and the attempt's number."""
    return {"fields": {"ticket": ticket.id, "attempt": ticket.attempts}}

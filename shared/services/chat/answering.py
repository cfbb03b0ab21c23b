"""Chat, the worker's side: the queue delivers a ticket's id, and the ticket ends with one result or one error.

The queue delivers at least once: the same ticket may be delivered again, or to two workers at the same time, and a
worker may die at any point. Therefore the work has three steps: take the lease (`lease`, a transaction), call the model
or run the agent (`attempt`, outside any transaction, while the lease is renewed), and write the outcome (`settlement`,
a transaction that checks the lease).
"""

import asyncio
import math

from shared import clock
from shared.llm.catalog import Catalog, CatalogError
from shared.llm.estimate import bound_cost
from shared.llm.failures import ModelFailure
from shared.log import get_logger
from shared.models.catalog import GOFANNON
from shared.models.chat import ChatResult
from shared.models.errors import AllowanceSpent, NoRunSlot, TooEarly
from shared.models.ticket import Claim, LeaseLost, Ticket
from shared.services.chat.attempt import AnswerByAgent, Attempt, Stopped, log_fields
from shared.services.chat.lease import LeaseHolder
from shared.services.chat.live_answer import LiveAnswer
from shared.services.chat.preparation import Preparation, read_again
from shared.services.chat.run_pause import RunSuspended, enqueue_wake_up
from shared.services.chat.settlement import Settlement
from shared.services.chat.turns import TurnService
from shared.services.model_calls import CompleteChat
from shared.settings import Settings
from shared.store import Database

_log = get_logger("answering")
_SOON_SECONDS = 60
_under_way: set[asyncio.Task[None]] = set()
"""Calls of models whose tickets other workers have taken over. The event loop itself does not keep a task alive."""


class AnsweringService:
    """Answers one ticket."""

    def __init__(
        self,
        database: Database,
        catalog: Catalog,
        complete: CompleteChat,
        answer_by_agent: AnswerByAgent,
        settings: Settings,
        turns: TurnService,
    ) -> None:
        self._database = database
        self._turns = turns
        self._catalog = catalog
        self._settings = settings
        self.holder = LeaseHolder(database, turns, settings)
        self._settlement = Settlement(database, self.holder, settings)
        self._attempt = Attempt(database, catalog, complete, answer_by_agent, settings, self.holder, self._settlement)

    async def answer(self, ticket_id: str) -> None:
        """Works on the ticket once. The ticket's owner is charged.

        Returns when the ticket is finished, by this delivery or another, or is parked until its owner has a free turn.
        Raises `TooEarly` if the queue should deliver the ticket again: another worker holds it, the model failed
        temporarily and attempts are left, or the lease was lost, since its new holder may fail as well.
        """
        preparation = Preparation(self._database, ticket_id)
        try:
            await self._answer(ticket_id, preparation)
        finally:
            preparation.close()

    async def _answer(self, ticket_id: str, preparation: Preparation) -> None:
        claim, ticket = await self.holder.take(ticket_id, preparation)
        if claim is Claim.HELD:
            raise TooEarly("Another worker is working on this ticket.")
        if ticket is None:
            return
        if claim is Claim.PARKED:
            await self._turns.recheck(ticket)
            return
        if claim is Claim.WAITING:
            await self._refuse_early(ticket)
            return
        if claim is Claim.TAKEN:
            try:
                await self._answer_taken(ticket, preparation)
            except TooEarly:
                await self._turns.pass_on(ticket, self.holder.id)
                raise
        # A ticket that ended earlier may still have its turn, if the worker died between ending it and passing it on.
        await self._turns.pass_on(ticket, self.holder.id if claim is Claim.TAKEN else None)

    async def _refuse_early(self, ticket: Ticket) -> None:
        """Handles the task of a run that is put aside. Raises `TooEarly` if the run continues soon."""
        if ticket.wake_at is not None and (seconds := (ticket.wake_at - clock.now()).total_seconds()) < _SOON_SECONDS:
            raise TooEarly("The run is put aside.", retry_after=math.ceil(max(0.0, seconds)))

    async def _answer_taken(self, ticket: Ticket, preparation: Preparation) -> None:
        """Works on a ticket that this delivery holds. Raises `TooEarly`."""
        work = asyncio.create_task(self._work(ticket, preparation))
        renewal = asyncio.create_task(self.holder.renew_until_cancelled(ticket.id))
        try:
            await asyncio.wait({work, renewal}, return_when=asyncio.FIRST_COMPLETED)
            if not work.done():
                self._detach_model_call(ticket, work)
                renewal.result()
            await work
        except LeaseLost:
            _log.warning("The lease was lost; its new holder continues", extra=log_fields(ticket))
            raise TooEarly("Another worker has taken this ticket over.") from None
        finally:
            remaining = {renewal} if work in _under_way else {work, renewal}
            for task in remaining:
                task.cancel()
            await asyncio.gather(*remaining, return_exceptions=True)

    def _detach_model_call(self, ticket: Ticket, work: asyncio.Task[None]) -> None:
        """Lets the call of a model continue although its lease is lost: the provider bills it, so it must be charged.

        The run of an agent is not detached, because the agent's calls of models continue by themselves.
        """
        if ticket.hold and ticket.provider != GOFANNON:
            _under_way.add(work)
            work.add_done_callback(_forget)

    async def _work(self, ticket: Ticket, preparation: Preparation) -> None:
        """Calls the model and writes the outcome, while the lease is renewed. Raises `LeaseLost`, `TooEarly`."""
        async with LiveAnswer(self._database, ticket, self._settings) as live:
            await self._work_live(ticket, preparation, live)

    async def _work_live(self, ticket: Ticket, preparation: Preparation, live: LiveAnswer) -> None:
        try:
            result = await self._attempt.call(ticket, preparation, live.call)
        except RunSuspended as pause:
            suspended = await self._settlement.suspend(ticket, pause)
            if pause.wake_at is not None:
                queue = await asyncio.to_thread(self._turns.make_queue)
                await enqueue_wake_up(queue, suspended, suspended.wake_at)
        except Stopped:
            await self._settlement.end(ticket, lambda held, now: held.cancel(None, now))
        except NoRunSlot as error:
            await self.holder.change(ticket.id, lambda held, now: held.give_back(now))
            raise TooEarly(error.message, retry_after=error.retry_after) from error
        except ModelFailure as failure:
            async with self._settlement.charge_if_lost(ticket, failure.cost, failure.usage):
                await self._end_or_release(ticket, failure, live.is_cancelled)
        else:
            async with self._settlement.charge_if_lost(ticket, result.cost, result.usage):
                await self._end_with(ticket, result, live)

    async def _end_with(self, ticket: Ticket, result: ChatResult, live: LiveAnswer) -> None:
        """Ends the ticket with a result: as cancelled, if the model was stopped before it had finished."""
        ending = None if ticket.agent_id else await live.finish(result)  # a run's parts are its journal
        if live.was_stopped(result):
            await self._settlement.end(ticket, lambda held, now: held.cancel(result, now), ending)
        else:
            await self._settlement.end(ticket, lambda held, now: held.complete(result, now), ending)

    async def _end_or_release(self, ticket: Ticket, failure: ModelFailure, is_cancelled: bool) -> None:
        """Ends the ticket with the failure's message, or as cancelled, or gives it back for another attempt.

        In both cases, the ticket's owner is charged what the provider bills for this attempt.
        """
        if is_cancelled:
            await self._settlement.end(
                ticket, lambda held, now: held.cancel(None, now), cost=failure.cost, usage=failure.usage
            )
            return
        hint = " Send the chat again later." if failure.transient else ""
        if failure.transient and ticket.attempts < self._settings.chat_max_attempts:
            try:
                await self._release(ticket, failure)
            except AllowanceSpent:
                hint = " What is left of your allowance does not cover another attempt."
            except (CatalogError, ModelFailure) as error:
                hint = f" It cannot be tried again: {error}"
            else:
                raise TooEarly(failure.message, retry_after=failure.retry_after)
        message = failure.message + hint
        await self._settlement.end(
            ticket, lambda held, now: held.fail(message, now), cost=failure.cost, usage=failure.usage
        )

    async def _release(self, ticket: Ticket, failure: ModelFailure) -> None:
        """Gives the ticket back. Raises `LeaseLost`, and `AllowanceSpent` if another attempt is not covered."""
        if not failure.cost:
            await self.holder.change(ticket.id, lambda held, now: held.release(now))
            return
        route = self._catalog.route(ticket.provider, ticket.model)
        request = await self._settlement.retry_through_outages(
            lambda: read_again(self._database, ticket.id, ticket.owner)
        )
        bounds = bound_cost(route, request, self._settings)
        await self._settlement.retry_through_outages(
            lambda: self._settlement.hold_again(
                ticket,
                bounds,
                cost=failure.cost,
                usage=failure.usage,
                change=lambda held, now: held.release(now),
            )
        )


def _forget(work: asyncio.Task[None]) -> None:
    """Retrieves the task's error, if any, so that asyncio does not report it: the new holder reports the outcome."""
    _under_way.discard(work)
    if not work.cancelled():
        work.exception()

"""Chat, the worker's side: a ticket's id comes from the queue, and the ticket ends with one result or one error.

The queue delivers at least once, so the same ticket may come again, or to two workers at a time, and a worker may
die at any point. Hence three steps: take the lease (a transaction), call the model or run the agent (outside of any,
with the lease renewed meanwhile), write the outcome (a transaction that checks the lease).
"""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Awaitable, Callable
from datetime import UTC, datetime
from typing import Any, Protocol, TypeVar
from uuid import uuid4

from tenacity import AsyncRetrying, retry_if_exception_type, stop_after_delay, wait_random_exponential

from shared.llm.catalog import Catalog, CatalogError, ModelRoute
from shared.llm.estimate import NotCovered, bound_cost, fit_output
from shared.llm.failures import ModelFailure
from shared.log import get_logger
from shared.models.catalog import GOFANNON
from shared.models.chat import ChatRequest, ChatResult, Usage
from shared.models.errors import AllowanceSpent, NoRoom, TooEarly, Unavailable
from shared.models.ticket import Claim, Ticket, claim
from shared.services.accounts.ledger import Ledger
from shared.services.accounts.standing import StandingService
from shared.services.chat.turns import TurnService, kind_of, lock_name
from shared.services.model_calls import CompleteChat, complete_at_a_price
from shared.settings import Settings
from shared.store import Database, Transaction
from shared.store.tickets import MAX_TEXT_BYTES

_log = get_logger("answering")
_RENEWALS_PER_LEASE = 3
_SETTLING_SECONDS = 120
_under_way: set[asyncio.Task[None]] = set()
"""Calls of models whose tickets others have. Held here, as the event loop does not keep a task alive."""
Change = Callable[[Ticket, datetime], Ticket]
T = TypeVar("T")


class AnswerByAgent(Protocol):
    """Runs a published agent once; raises `ModelFailure`. See `shared.services.chat.agent_chat`.

    `mark_begun` is awaited before anything is done that must not be done twice; with False, if nothing was after all.
    """

    async def __call__(
        self, ticket: Ticket, request: ChatRequest, mark_begun: Callable[[bool], Awaitable[None]]
    ) -> ChatResult: ...


class LeaseLost(Exception):
    """Another worker took the ticket, since this one gave no sign of life for too long."""


class AnsweringService:
    """Lives as long as a delivery. `holder` names this delivery in the lease."""

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
        self._complete = complete
        self._answer_by_agent = answer_by_agent
        self._settings = settings
        self._ledger = Ledger(database, settings)
        self.holder = str(uuid4())

    async def answer(self, ticket_id: str) -> None:
        """Works on the ticket once. Returns when it is finished, by this delivery or another, or was parked until its
        owner has a turn for it.

        Raises `TooEarly` when the queue should deliver it again: somebody else is on it, the model failed in a way
        that time may heal and attempts are left, or the lease was lost, since who has it now may fail, too.
        """
        taken, ticket = await self._take(ticket_id)
        if taken is Claim.HELD:
            raise TooEarly("Another worker is on this ticket.")
        if ticket is None:
            return
        if taken is Claim.PARKED:
            await self._turns.recheck(ticket)
            return
        if taken is Claim.TAKEN:
            try:
                await self._answer_taken(ticket)
            except TooEarly:
                await self._turns.pass_on(ticket, self.holder)
                raise
        # A ticket that had ended before may have left its turn taken, if whoever ended it died over that.
        await self._turns.pass_on(ticket, self.holder if taken is Claim.TAKEN else None)

    async def _answer_taken(self, ticket: Ticket) -> None:
        """Works on a ticket that this delivery holds. Raises `TooEarly`."""
        work = asyncio.create_task(self._work(ticket))
        keeper = asyncio.create_task(self._keep_lease(ticket.id))
        try:
            await asyncio.wait({work, keeper}, return_when=asyncio.FIRST_COMPLETED)
            if not work.done():
                self._leave(ticket, work)
                keeper.result()
            await work
        except LeaseLost:
            _log.warning("The lease was lost; its new holder goes on", extra=_about(ticket))
            raise TooEarly("Another worker has taken this ticket over.") from None
        finally:
            left = {keeper} if work in _under_way else {work, keeper}
            for task in left:
                task.cancel()
            await asyncio.gather(*left, return_exceptions=True)

    def _leave(self, ticket: Ticket, work: asyncio.Task[None]) -> None:
        """Has a call of a model go on to its end, though its ticket is lost: the provider bills it, so it is charged.

        An agent is broken off, as its calls go on by themselves.
        """
        if ticket.hold and ticket.provider != GOFANNON:
            _under_way.add(work)
            work.add_done_callback(_over)

    async def _work(self, ticket: Ticket) -> None:
        """Calls the model and writes what comes of it, while the lease is kept. Raises `LeaseLost`, `TooEarly`."""
        try:
            result = await self._call(ticket)
        except NoRoom as error:
            await self._change(ticket.id, lambda held, now: held.returned(now))
            raise TooEarly(error.message, retry_after=error.retry_after) from error
        except ModelFailure as failure:
            async with self._charge_if_lost(ticket, failure.cost, failure.usage):
                await self._end_or_release(ticket, failure)
        else:
            async with self._charge_if_lost(ticket, result.cost, result.usage):
                await self._end(ticket, lambda held, now: held.completed(result, now))

    @contextlib.asynccontextmanager
    async def _charge_if_lost(self, ticket: Ticket, cost: float, usage: Usage | None) -> AsyncGenerator[None]:
        """Where the lease was lost meanwhile, the attempt is charged all the same, as its provider bills it."""
        try:
            yield
        except LeaseLost:
            if cost and ticket.provider != GOFANNON:

                async def write(transaction: Transaction) -> None:
                    await self._ledger.charge_lost(ticket, cost, usage, datetime.now(UTC), transaction)

                with contextlib.suppress(Unavailable):  # it is in the log
                    await self._insist(lambda: self._settle_first(ticket.owner, write))
            raise

    async def _take(self, ticket_id: str) -> tuple[Claim, Ticket | None]:
        """Takes the lease if it is free and the owner has a turn for it, else parks the ticket; and ends a ticket that
        has no attempt left.
        """
        async with self._database.raising_unavailable():
            seen = await self._database.tickets.get(ticket_id)
        if seen is None:
            _log.error("A task names a ticket that does not exist", extra={"fields": {"ticket": ticket_id}})
            return Claim.FINISHED, None
        if seen.status.finished:
            return Claim.FINISHED, seen

        async def take(transaction: Transaction) -> tuple[Claim, Ticket | None]:
            ticket = await self._database.tickets.get(ticket_id, transaction)
            if ticket is None:
                return Claim.FINISHED, None
            now = datetime.now(UTC)
            if ticket.held_by(self.holder):  # the transaction's last run was committed without our knowing
                return Claim.TAKEN, ticket
            decision = claim(ticket, now, self._settings.chat_max_attempts)
            if decision is Claim.TAKEN and not await self._turns.take(ticket, self.holder, now, transaction):
                decision = Claim.PARKED
            elif decision is Claim.TAKEN:
                ticket = ticket.leased(self.holder, now, self._settings.lease_seconds)
                self._database.tickets.put(ticket, transaction)
            elif decision in (Claim.EXHAUSTED, Claim.INTERRUPTED):
                message = f"No answer was reached in {ticket.attempts} attempts. Send the chat again."
                if decision is Claim.INTERRUPTED:
                    message = "The agent was interrupted. What it had spent is charged. Send the chat again."
                await self._ledger.settle(ticket.failed(message, now), now, transaction)
            return decision, ticket

        # Deliveries of one user's tickets take their turns one after the other, rather than overtake each other.
        return await self._database.transaction(take, serialize_on=lock_name(seen.owner, kind_of(seen)))

    async def _keep_lease(self, ticket_id: str) -> None:
        """Renews the lease for ever. Raises `LeaseLost`. An outage of the database is sat out: the end will tell."""
        seconds = self._settings.lease_seconds
        while True:
            await asyncio.sleep(seconds / _RENEWALS_PER_LEASE)
            with contextlib.suppress(Unavailable):
                await self._change(ticket_id, lambda held, now: held.renewed(now, seconds))

    async def _call(self, ticket: Ticket) -> ChatResult:
        """Raises `ModelFailure`, `NoRoom` and `LeaseLost` only: a fault of our own is logged, and tried again like an
        outage.

        The answer is at most as long as what the ticket holds covers.
        """
        try:
            request = await self._request(ticket)
            if ticket.provider == GOFANNON:
                return fit_to_document(
                    await self._answer_by_agent(ticket, request, lambda begun: self._mark(ticket.id, begun))
                )
            route = self._catalog.route(ticket.provider, ticket.model)
            request = await self._cover(ticket, route, request)
            seconds = self._settings.model_timeout_seconds
            return fit_to_document(await complete_at_a_price(self._complete, route, request, seconds, ticket.hold))
        except (ModelFailure, LeaseLost, NoRoom):
            raise
        except (AllowanceSpent, NotCovered) as error:
            message = "What is left of your allowance does not cover an answer. Send the chat again when it does."
            raise ModelFailure(message, transient=False) from error
        except CatalogError as error:
            raise ModelFailure(str(error), transient=False) from error
        except Unavailable as error:
            raise ModelFailure(error.message, transient=True) from error
        except Exception as error:
            _log.exception("A ticket could not be worked on", extra=_about(ticket))
            raise ModelFailure("Something went wrong on our side.", transient=True) from error

    async def _cover(self, ticket: Ticket, route: ModelRoute, request: ChatRequest) -> ChatRequest:
        """The request with an output limit that the ticket's hold covers.

        A ticket whose hold has become too small, since prices have risen for example, holds anew. Raises
        `AllowanceSpent`, `NotCovered` and `LeaseLost`.
        """
        with contextlib.suppress(NotCovered):
            return fit_output(route, request, ticket.hold)
        bounds = bound_cost(route, request, self._settings)

        async def write(transaction: Transaction) -> int:
            now = datetime.now(UTC)
            held = await self._held(ticket.id, transaction)
            held = await self._ledger.hold_again(held, bounds, now, transaction)
            self._database.tickets.put(held, transaction)
            return held.hold

        return fit_output(route, request, await self._settle_first(ticket.owner, write))

    async def _request(self, ticket: Ticket) -> ChatRequest:
        """What was asked. Two reads at once. Raises `ModelFailure` when it is not to be answered, or gone."""
        async with self._database.raising_unavailable():
            request, disabled = await asyncio.gather(
                self._database.tickets.get_request(ticket.id),
                StandingService(self._database).is_disabled(ticket.owner, anew=True),
            )
        if disabled:
            raise ModelFailure("The account is disabled, so the chat was not answered.", transient=False)
        if request is None:
            raise ModelFailure("The chat's messages are gone. Send the chat again.", transient=False)
        return request

    async def _mark(self, ticket_id: str, begun: bool) -> None:
        """Notes that an agent begins: nobody will run it again. Raises `LeaseLost`, `Unavailable`.

        That it did not begin after all is noted through an outage: else the ticket would end as interrupted.
        """

        async def mark() -> None:
            await self._change(ticket_id, lambda held, now: held.marked(begun, now))

        await (mark() if begun else self._insist(mark))

    async def _end_or_release(self, ticket: Ticket, failure: ModelFailure) -> None:
        """Ends the ticket with the failure's sentence, or gives it back for another attempt.

        Either way the payer is charged what the provider bills for this one.
        """
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
        await self._end(ticket, lambda held, now: held.failed(message, now), cost=failure.cost, usage=failure.usage)

    async def _release(self, ticket: Ticket, failure: ModelFailure) -> None:
        """Gives the ticket back. Raises `LeaseLost`, and `AllowanceSpent` when another attempt cannot be held for."""
        if not failure.cost:
            await self._change(ticket.id, lambda held, now: held.released(now))
            return
        route = self._catalog.route(ticket.provider, ticket.model)
        request = await self._insist(lambda: self._request(ticket))
        bounds = bound_cost(route, request, self._settings)

        async def write(transaction: Transaction) -> None:
            now = datetime.now(UTC)
            held = await self._held(ticket.id, transaction)
            held = await self._ledger.hold_again(held, bounds, now, transaction, cost=failure.cost, usage=failure.usage)
            self._database.tickets.put(held.released(now), transaction)

        await self._insist(lambda: self._settle_first(ticket.owner, write))

    async def _change(self, ticket_id: str, change: Change) -> None:
        """Writes what `change` makes of the ticket. Raises `LeaseLost` if this delivery does not hold it any more."""

        async def write(transaction: Transaction) -> None:
            ticket = await self._held(ticket_id, transaction)
            self._database.tickets.put(change(ticket, datetime.now(UTC)), transaction)

        await self._database.transaction(write)

    async def _end(self, seen: Ticket, change: Change, *, cost: float = 0.0, usage: Usage | None = None) -> None:
        """Ends the ticket: outcome, charge and hold in one transaction. Raises `LeaseLost`.

        `cost` and `usage` are those of an attempt that failed; a result has its own.
        """

        async def write(transaction: Transaction) -> None:
            now = datetime.now(UTC)
            ticket = await self._held(seen.id, transaction)
            await self._ledger.settle(change(ticket, now), now, transaction, cost=cost, usage=usage)

        await self._insist(lambda: self._settle_first(seen.owner, write))

    async def _settle_first(self, owner: str, body: Callable[[Transaction], Awaitable[T]]) -> T:
        """A transaction with the owner's account, which goes before calls that the owner has yet to begin."""
        return await self._database.transaction(body, serialize_on=f"user:{owner}", urgent=True)

    async def _insist(self, work: Callable[[], Awaitable[T]]) -> T:
        """Does `work`, and waits out an outage of the database for minutes, as the answer is paid for.

        Raises `LeaseLost` also when a commit went through and only its answer was lost: the next delivery then finds
        what was written. Raises `Unavailable` after an outage that lasts, and logs it, as what is owed may be lost.
        """
        try:
            return await self._retry_outages(work)
        except Unavailable:
            _log.error("An attempt could not be settled", extra={"fields": {"holder": self.holder}})
            raise

    async def _retry_outages(self, work: Callable[[], Awaitable[T]]) -> T:
        async def once() -> T:  # tenacity awaits only what is a coroutine function itself
            return await work()

        return await AsyncRetrying(
            retry=retry_if_exception_type(Unavailable),
            wait=wait_random_exponential(multiplier=0.5, max=10),
            stop=stop_after_delay(_SETTLING_SECONDS),
            reraise=True,
        )(once)

    async def _held(self, ticket_id: str, transaction: Transaction) -> Ticket:
        ticket = await self._database.tickets.get(ticket_id, transaction)
        if ticket is None or not ticket.held_by(self.holder):
            raise LeaseLost
        return ticket


def fit_to_document(result: ChatResult) -> ChatResult:
    """The result as it can be stored: without its thoughts where those make it too long.

    Raises `ModelFailure` when the answer alone is too long.
    """
    if len(result.model_dump_json().encode()) <= MAX_TEXT_BYTES:
        return result
    without = result.model_copy(update={"thoughts": {"omitted": "The thoughts were too long to be kept."}})
    if (size := len(without.model_dump_json().encode())) <= MAX_TEXT_BYTES:
        return without
    message = f"The answer is {size} bytes long; at most {MAX_TEXT_BYTES} can be kept. Ask for a shorter one."
    raise ModelFailure(message, transient=False, cost=result.cost, usage=result.usage)


def _over(work: asyncio.Task[None]) -> None:
    """Whoever has the ticket now tells how it ended."""
    _under_way.discard(work)
    if not work.cancelled():
        work.exception()


def _about(ticket: Ticket) -> dict[str, Any]:
    return {"fields": {"ticket": ticket.id, "attempt": ticket.attempts}}

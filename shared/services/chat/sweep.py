"""The sweep: starts scheduled runs (`shared.services.schedules.dispatch`), continues runs that are due (`due_runs`),
queues or ends stale tickets (`stale_tickets`), calls parked tickets that no worker has called, releases expired holds
(`expired_holds`), and queues overdue notifications.
"""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta

from shared import clock
from shared.log import get_logger
from shared.models.turns import TurnKind
from shared.models.wire import SnakeModel
from shared.services.accounts.spending import SpendingService
from shared.services.chat.due_runs import DueRuns
from shared.services.chat.expired_holds import release_expired_holds
from shared.services.chat.run_submission import RunSubmission
from shared.services.chat.stale_tickets import StaleTickets
from shared.services.chat.turns import TurnService, kind_of
from shared.services.schedules.dispatch import ScheduleDispatcher
from shared.services.sweep_batch import sweep_each
from shared.services.webhooks.overdue import queue_overdue_deliveries
from shared.settings import Settings
from shared.store import Database
from shared.tasks import InspectableQueue

_log = get_logger("sweep")
_PARKED_PAGES = 10
"""The maximum number of pages that a sweep reads for each page that it sweeps. Parked tickets are only counted."""


class SweepResult(SnakeModel):
    """The result of a sweep. The number of scheduled runs that it `started`, `skipped` because the previous run had not
    ended, or `refused`. The number of tickets that it queued again (`requeued`) or `ended`; that are still `waiting` in
    the queue or for a turn; and that it `called` because their turn had come. The number of holds that it `released`,
    of runs that it has `woken`, and of notifications that it queued (`notified`). The number of schedules, tickets,
    holds and notifications that it `left` for the next sweep after an error.
    """

    started: int = 0
    skipped: int = 0
    refused: int = 0
    requeued: int = 0
    ended: int = 0
    left: int = 0
    waiting: int = 0
    called: int = 0
    released: int = 0
    woken: int = 0
    notified: int = 0


@dataclass(frozen=True)
class _Group:
    """The parked tickets of one user and kind."""

    id: str
    owner: str
    kind: TurnKind
    parked: int


class SweepService:
    """Sweeps schedules, tickets and holds."""

    def __init__(self, database: Database, queue: InspectableQueue, settings: Settings) -> None:
        self._database = database
        self._queue = queue
        self._settings = settings
        self._turns = TurnService(database, lambda: queue, settings)
        self._due_runs = DueRuns(database, queue)
        self._stale_tickets = StaleTickets(database, queue, self._turns, settings)
        self._spending = SpendingService(database, settings)
        self._schedules = ScheduleDispatcher(database, RunSubmission(database, queue, settings), settings)

    async def sweep(self, page: int = 500, pages: int = 20) -> SweepResult:
        """Starts scheduled runs, which are due now, and wakes due runs. Then sweeps stale tickets, starting with the
        oldest change, parked tickets, expired holds, and deliveries.

        Sweeps at most `pages` times `page` tickets. Parked tickets do not count towards this limit, so they never keep
        the sweep from other tickets. Releases at most `page` holds, and queues at most `page` deliveries.
        """
        untouched_since = clock.now() - timedelta(seconds=self._settings.sweep_after_seconds)
        dispatched = await self._dispatch_schedules()
        woken = await self._due_runs.wake(page)
        outcomes: list[str] = []
        parked: Counter[tuple[str, TurnKind]] = Counter()
        after: datetime | None = None
        for _ in range(pages * _PARKED_PAGES):
            async with self._database.raising_unavailable():
                tickets, after = await self._database.tickets.list_untouched(untouched_since, page, after)
            young = [ticket for ticket in tickets if ticket.parked and not self._stale_tickets.is_too_old(ticket)]
            parked.update((ticket.owner, ticket.parked or kind_of(ticket)) for ticket in young)
            skipped = {ticket.id for ticket in young}
            outcomes += await self._stale_tickets.sweep([ticket for ticket in tickets if ticket.id not in skipped])
            if after is None or len(outcomes) >= pages * page:
                break
        outcomes += dispatched + woken
        outcomes += await self._call_parked(parked)
        outcomes += await release_expired_holds(self._database, self._spending, page)
        outcomes += await queue_overdue_deliveries(self._database, self._queue, page)
        swept = SweepResult(**{name: outcomes.count(name) for name in SweepResult.model_fields})
        _log.info("Swept", extra={"fields": swept.model_dump()})
        return swept

    async def _dispatch_schedules(self) -> list[str]:
        """Returns the outcomes of the schedules that are due. An error must not keep the sweep from the tickets."""
        try:
            return await self._schedules.dispatch_due()
        except Exception:
            _log.exception("The schedules could not be dispatched")
            return ["left"]

    async def _call_parked(self, parked: Counter[tuple[str, TurnKind]]) -> list[str]:
        """Calls the tickets whose turn has come, for each owner and kind. `parked` counts the tickets of each."""

        async def call(group: _Group) -> list[str]:
            called = min(await self._turns.call_parked(group.owner, group.kind), group.parked)
            if called:
                _log.warning("Parked tickets were called by the sweep", extra={"fields": {"called": called}})
            return ["called"] * called + ["waiting"] * (group.parked - called)

        groups = [_Group(f"{kind} of {owner}", owner, kind, count) for (owner, kind), count in parked.items()]
        return [outcome for outcomes in await sweep_each(groups, call, ["left"]) for outcome in outcomes]

"""Schedules, runs and sweeps at chosen times, for tests."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

from shared.models.caller import Caller
from shared.models.schedule import CreateScheduleRequest, Schedule, StoredSchedule
from shared.models.ticket import Ticket
from shared.services.chat.run_submission import RunSubmission
from shared.services.chat.sweep import SweepResult, SweepService
from shared.services.quotas import QuotaService
from shared.services.schedules.dispatch import ScheduleDispatcher, make_run_id
from shared.services.schedules.schedules import ScheduleService
from shared.settings import Settings
from shared.store import Database, Transaction
from shared.tasks import task_queue
from tests.services.publishing import ECHO, save
from tests.stopped_clock import StoppedClock

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
STARTED, NOTHING = SweepResult(started=1), SweepResult()


class Scheduling:
    """Creates schedules for one user, and sweeps. Its clock stands still until it is set."""

    def __init__(self, database: Database, settings: Settings, clock: StoppedClock, caller: Caller) -> None:
        self.database, self.settings, self.caller = database, settings, caller
        self.clock = clock
        self.service = ScheduleService(database, QuotaService(database, settings))
        self.dispatcher = self.create_dispatcher()

    def create_dispatcher(self) -> ScheduleDispatcher:
        runs = RunSubmission(self.database, task_queue(self.settings), self.settings)
        return ScheduleDispatcher(self.database, runs, self.settings)

    def set_clock(self, moment: datetime) -> None:
        self.clock.move(moment.timestamp() - self.clock())

    async def create(self, cron: str = "* * * * *", **fields: Any) -> Schedule:
        """Creates a schedule of a new agent, unless there is an `agentId`."""
        agent_id = fields.pop("agentId", None) or (await save(self.database, self.caller, ECHO)).id
        body = {"agentId": agent_id, "cron": cron, "input": {"inputText": "hi"}, **fields}
        return await self.service.create(self.caller, CreateScheduleRequest.model_validate(body))

    async def sweep(self) -> SweepResult:
        """Sweeps as the function does. Returns the numbers of schedules."""
        swept = await SweepService(self.database, task_queue(self.settings), self.settings).sweep()
        return SweepResult(started=swept.started, skipped=swept.skipped, refused=swept.refused, left=swept.left)

    async def get(self, schedule: Schedule) -> StoredSchedule:
        stored = await self.database.schedules.get(schedule.id)
        assert stored is not None
        return stored

    async def list_runs(self) -> list[Ticket]:
        """Returns the user's runs, the oldest first."""
        tickets, _ = await self.database.tickets.page(self.caller.uid, 1000)
        return sorted(tickets, key=lambda ticket: ticket.created_at)

    async def end_runs(self) -> None:
        """Has all runs fail, without a worker."""

        async def end(transaction: Transaction, ticket_id: str) -> None:
            ticket = await self.database.tickets.get(ticket_id, transaction)
            assert ticket is not None
            self.database.tickets.put(ticket.fail("Ended.", ticket.created_at), transaction)

        for ticket in await self.list_runs():
            await self.database.transaction(lambda transaction, ticket=ticket: end(transaction, ticket.id))


async def ids_of_runs(scheduling: Scheduling) -> Counter[str]:
    return Counter(ticket.id for ticket in await scheduling.list_runs())


def expected_ids(schedule: Schedule, *due_times: datetime) -> Counter[str]:
    return Counter(make_run_id(schedule.id, due.astimezone(UTC)) for due in due_times)

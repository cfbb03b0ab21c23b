"""Starts the runs of schedules that are due. The sweep calls it, every minute.

Each due time makes one run, whatever sweeps do: they may run twice, at the same time, late, or die half-way. One
transaction reads the schedule, stores the run's ticket, and moves the schedule on to its next due time. The run's id is
made from the schedule's id and the due time, so not even a schedule that is set back makes a second run.

If several due times have passed since the last sweep, the latest one makes a run, and the others are counted as missed.
A run that cannot start is not retried: the schedule records why, and waits for its next due time. Only while the
database cannot be reached does the due time wait for the next sweep.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID, uuid4, uuid5

from shared import clock
from shared.log import get_logger
from shared.models.caller import Caller
from shared.models.errors import InvalidInput, NotFound, ServiceError, TooManyChats, Unavailable
from shared.models.schedule import DueSchedule, StoredSchedule
from shared.models.ticket import Ticket
from shared.models.wire import JsonObject
from shared.services.quotas import QuotaService
from shared.services.schedules.due_times import DueTimes
from shared.services.sweep_batch import sweep_each
from shared.settings import Settings
from shared.store import Database, Transaction

_log = get_logger("schedules")
MAX_DISPATCHED = 500
"""The maximum number of schedules that one sweep dispatches. Ten are dispatched at the same time."""
_NAMESPACE = UUID("6f1d1a0e-52c1-4e0b-9c55-0a6b1f8f2f47")
_AGENT_GONE = "The agent no longer exists, or you can no longer see it, so the schedule was disabled."


class RunStarter(Protocol):
    """Starts runs as part of another transaction."""

    async def start_in(
        self, caller: Caller, agent_id: str, input_dict: JsonObject, run_id: str, transaction: Transaction
    ) -> Ticket:
        """Stores a run with this id. After the commit, `enqueue` must be called.

        Raises `NotFound` for an agent that the caller cannot see, and other `ServiceError`s if it must not start.
        """
        ...

    async def enqueue(self, ticket: Ticket) -> None:
        """Queues a run that is stored. May be called again for the same run."""
        ...


@dataclass(frozen=True)
class _Due:
    """A due time of a schedule: `schedule` as it is after it, without the outcome. `seen`: what it was waiting for."""

    schedule: StoredSchedule
    at: datetime
    seen: datetime


class ScheduleDispatcher:
    """Starts the runs of schedules that are due."""

    def __init__(self, database: Database, runs: RunStarter, settings: Settings) -> None:
        self._database = database
        self._runs = runs
        self._quotas = QuotaService(database, settings)

    async def dispatch_due(self, limit: int = MAX_DISPATCHED) -> list[str]:
        """Dispatches up to `limit` schedules, those that have been due the longest first. Returns their outcomes.

        An outcome is "started", "skipped" because the previous run has not ended, "refused", "left" for the next sweep
        after an error, or "moved" by another sweep. An error with one schedule does not affect the others.
        """
        async with self._database.raising_unavailable():
            due = await self._database.schedules.list_due(clock.now(), limit)
        return await sweep_each(due, self._dispatch, "left")

    async def _dispatch(self, due: DueSchedule) -> str:
        try:
            return await self._start(due)
        except TooManyChats:  # the account's count may be wrong
            await self._quotas.recount_chats(due.owner)
        return await self._start(due, retried=True)

    async def _start(self, listed: DueSchedule, *, retried: bool = False) -> str:
        """Starts the run of a schedule, or records why it has none. Returns the outcome."""
        seen: datetime | None = None

        async def start(transaction: Transaction) -> Ticket | str:
            nonlocal seen
            due = await self._find_due(listed.id, transaction)
            if due is None:
                return "moved"
            seen, schedule = due.seen, due.schedule
            if schedule.fields.overlap == "skip" and await self._is_running(schedule.last_run_id, transaction):
                self._database.schedules.put(schedule.record_skip(), transaction)
                return "skipped"
            run_id = make_run_id(schedule.id, due.at)
            ticket = await self._database.tickets.get(run_id, transaction)
            if ticket is None:
                fields, caller = schedule.fields, Caller(schedule.owner, key=schedule.key)
                ticket = await self._runs.start_in(caller, fields.agent_id, fields.input, run_id, transaction)
            self._database.schedules.put(schedule.record_run(run_id), transaction)
            return ticket

        try:
            started = await self._database.change(f"user:{listed.owner}", start)
        except Unavailable:
            raise
        except ServiceError as error:
            if seen is None or (isinstance(error, TooManyChats) and not retried):
                raise
            return await self._refuse(listed.id, seen, error)
        if isinstance(started, str):
            return started
        await self._runs.enqueue(started)
        return "started"

    async def _refuse(self, schedule_id: str, seen: datetime, error: ServiceError) -> str:
        """Records why the due time has no run, unless another sweep has dispatched it. Disables the schedule of an
        agent that is gone."""

        async def record(transaction: Transaction) -> str:
            due = await self._find_due(schedule_id, transaction)
            if due is None or due.seen != seen:
                return "moved"
            if isinstance(error, NotFound):
                refused = due.schedule.record_error(_AGENT_GONE).disable(uuid4().hex, clock.now())
            else:
                refused = due.schedule.record_error(_describe(error))
            self._database.schedules.put(refused, transaction)
            return "refused"

        outcome = await self._database.transaction(record)
        fields = {"schedule": schedule_id, "error": type(error).__name__, "outcome": outcome}
        _log.warning("A scheduled run did not start", extra={"fields": fields})
        return outcome

    async def _find_due(self, schedule_id: str, transaction: Transaction) -> _Due | None:
        """Returns the due time that a schedule waits for. None if it is not due, because another sweep was faster."""
        schedule, now = await self._database.schedules.get(schedule_id, transaction), clock.now()
        if schedule is None or schedule.next_due_at is None or schedule.next_due_at > now:
            return None
        times = DueTimes(schedule.fields.cron, schedule.fields.timezone)
        at, missed = times.find_latest(schedule.next_due_at, now)
        return _Due(schedule.move_on(at, missed, times.next_after(now)), at, schedule.next_due_at)

    async def _is_running(self, run_id: str | None, transaction: Transaction) -> bool:
        ticket = await self._database.tickets.get(run_id, transaction) if run_id else None
        return ticket is not None and not ticket.status.finished


def make_run_id(schedule_id: str, due_at: datetime) -> str:
    """Returns the id of the run for a due time. It is always the same."""
    return str(uuid5(_NAMESPACE, f"{schedule_id} {due_at.isoformat()}"))


def _describe(error: ServiceError) -> str:
    return f"{error.message} {error.summary}" if isinstance(error, InvalidInput) else error.message

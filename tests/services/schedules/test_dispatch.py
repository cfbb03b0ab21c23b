"""The sweep starts the runs of schedules: one for each due time. The tests use the Firestore emulator, a scripted Cloud
Tasks server and a clock that they set.
"""

import asyncio
import threading
from collections import Counter
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from shared.llm.catalog import Catalog
from shared.models.caller import Caller
from shared.models.chat import RunInput, TicketStatus
from shared.models.schedule import UpdateScheduleRequest
from shared.models.ticket import Ticket
from shared.models.wire import JsonObject
from shared.services.chat.run_submission import RunSubmission
from shared.services.chat.sweep import SweepResult
from shared.services.schedules.dispatch import ScheduleDispatcher, make_run_id
from shared.store import Database, Transaction
from shared.tasks import task_queue
from tests.doubles.cloud_tasks import CloudTasksServer
from tests.services.harness import Harness
from tests.services.publishing import ECHO, save
from tests.services.schedules.scheduling import (
    HOUR,
    MINUTE,
    NOON,
    NOTHING,
    STARTED,
    Scheduling,
    expected_ids,
    ids_of_runs,
)

BERLIN, NEW_YORK = ZoneInfo("Europe/Berlin"), ZoneInfo("America/New_York")


async def sweep_each_minute(scheduling: Scheduling, start: datetime, end: datetime, *, late: float = 3) -> None:
    """Sweeps twice a minute, `late` seconds after it, once with two sweeps at the same time."""
    moment = start
    while moment <= end:
        scheduling.set_clock(moment + timedelta(seconds=late))
        dispatchers = [scheduling.create_dispatcher() for _ in range(3)]
        await asyncio.gather(*(dispatcher.dispatch_due() for dispatcher in dispatchers[:2]))
        await dispatchers[2].dispatch_due()
        moment += MINUTE


async def test_a_due_time_makes_a_run(scheduling: Scheduling, cloud_tasks: CloudTasksServer) -> None:
    """The run is a ticket of the schedule's owner with the schedule's input, and is queued."""
    scheduling.set_clock(NOON - HOUR)
    schedule = await scheduling.create("0 12 * * *", input={"inputText": "Grüße, 世界 🌍"})
    assert schedule.next_times[0] == NOON
    assert await scheduling.sweep() == NOTHING
    scheduling.set_clock(NOON)
    assert await scheduling.sweep() == STARTED
    (ticket,) = await scheduling.list_runs()
    assert (ticket.owner, ticket.provider, ticket.agent_id) == (scheduling.caller.uid, "gofannon", schedule.agent_id)
    request = await scheduling.database.tickets.get_request(ticket.id)
    assert isinstance(request, RunInput)
    assert request.input == {"inputText": "Grüße, 世界 🌍"}
    assert [name.split("/")[-1] for name in cloud_tasks.tasks] == [f"{ticket.id}-1"]
    stored = await scheduling.get(schedule)
    assert (stored.last_due_at, stored.last_run_id) == (NOON, ticket.id)
    assert (stored.last_error, stored.missed, stored.skipped) == (None, 0, 0)
    assert stored.next_due_at == NOON + timedelta(days=1)
    assert stored.rev == schedule.rev, "a run does not change what the owner has set"


@pytest.mark.parametrize(
    ("zone", "start", "due"),
    [
        (BERLIN, datetime(2026, 3, 29, 0, 55, tzinfo=UTC), datetime(2026, 3, 29, 1, tzinfo=UTC)),
        (BERLIN, datetime(2026, 10, 25, 0, 25, tzinfo=UTC), datetime(2026, 10, 25, 0, 30, tzinfo=UTC)),
        (NEW_YORK, datetime(2026, 3, 8, 6, 55, tzinfo=UTC), datetime(2026, 3, 8, 7, tzinfo=UTC)),
        (NEW_YORK, datetime(2026, 11, 1, 7, 25, tzinfo=UTC), datetime(2026, 11, 1, 7, 30, tzinfo=UTC)),
    ],
)
async def test_a_time_of_day_makes_one_run_when_the_clocks_change(
    scheduling: Scheduling, zone: ZoneInfo, start: datetime, due: datetime
) -> None:
    """2:30 makes one run where it does not exist and where it exists twice, with several sweeps at the same time."""
    scheduling.set_clock(start)
    schedule = await scheduling.create("30 2 * * *", timezone=zone.key)
    await sweep_each_minute(scheduling, start, start + timedelta(minutes=100))
    assert await ids_of_runs(scheduling) == expected_ids(schedule, due)


@pytest.mark.parametrize(
    "change",
    [
        datetime(2026, 3, 29, 1, tzinfo=UTC),
        datetime(2026, 10, 25, 1, tzinfo=UTC),
        datetime(2026, 3, 8, 7, tzinfo=UTC),
        datetime(2026, 11, 1, 6, tzinfo=UTC),
    ],
)
@pytest.mark.parametrize("late", [0.0, 59.0])
async def test_an_interval_makes_one_run_each_time_when_the_clocks_change(
    scheduling: Scheduling, change: datetime, late: float
) -> None:
    """Every 15 minutes, one run starts through the change, whether sweeps are on time or late."""
    zone = BERLIN if change.hour == 1 else NEW_YORK
    start = change - HOUR
    scheduling.set_clock(start - MINUTE)
    schedule = await scheduling.create("*/15 * * * *", timezone=zone.key, overlap="allow")
    await sweep_each_minute(scheduling, start, change + HOUR, late=late)
    due = [start + number * timedelta(minutes=15) for number in range(9)]
    assert await ids_of_runs(scheduling) == expected_ids(schedule, *due)
    assert (await scheduling.get(schedule)).missed == 0


@pytest.mark.parametrize("change", [datetime(2026, 3, 28, tzinfo=BERLIN), datetime(2026, 10, 24, tzinfo=BERLIN)])
async def test_midnight_makes_one_run_each_day(scheduling: Scheduling, change: datetime) -> None:
    """On the days around a change, midnight makes one run, although every sweep is an hour late."""
    scheduling.set_clock(change - MINUTE)
    schedule = await scheduling.create("0 0 * * *", timezone="Europe/Berlin", overlap="allow")
    midnights = [change + timedelta(days=number) for number in range(3)]
    for midnight in midnights:
        scheduling.set_clock(midnight + HOUR)
        assert await scheduling.sweep() == STARTED
        assert await scheduling.sweep() == NOTHING
    assert await ids_of_runs(scheduling) == expected_ids(schedule, *midnights)


async def test_sweeps_in_two_processes_start_one_run(scheduling: Scheduling) -> None:
    """A sweep whose transaction is overtaken by another process's sweep starts no second run, and counts none."""
    read, may_commit = threading.Event(), threading.Event()

    class Slow(RunSubmission):
        async def start_in(
            self, caller: Caller, agent_id: str, input_dict: JsonObject, run_id: str, transaction: Transaction
        ) -> Ticket:
            ticket = await super().start_in(caller, agent_id, input_dict, run_id, transaction)
            read.set()
            await asyncio.to_thread(may_commit.wait, 30)
            return ticket

    async def sweep_slowly() -> list[str]:  # an event loop of its own has connections and locks of its own
        database, queue = Database(scheduling.settings), task_queue(scheduling.settings)
        runs = Slow(database, queue, scheduling.settings)
        return await ScheduleDispatcher(database, runs, scheduling.settings).dispatch_due()

    scheduling.set_clock(NOON - MINUTE)
    schedule = await scheduling.create("0 12 * * *")
    scheduling.set_clock(NOON)
    slow = asyncio.create_task(asyncio.to_thread(asyncio.run, sweep_slowly()))
    assert await asyncio.to_thread(read.wait, 30)
    assert await scheduling.dispatcher.dispatch_due() == ["started"]
    may_commit.set()
    assert await slow == ["moved"]
    assert await ids_of_runs(scheduling) == expected_ids(schedule, NOON)
    account = await scheduling.database.accounts.get(scheduling.caller.uid)
    assert account is not None
    assert account.unfinished == 1


async def test_a_sweep_after_an_outage_starts_one_run(scheduling: Scheduling) -> None:
    """If no sweep ran for an hour, the latest due time makes a run, and the others are counted."""
    scheduling.set_clock(NOON - MINUTE)
    schedule = await scheduling.create("*/15 * * * *", overlap="allow")
    hourly = await scheduling.create("30 * * * *", overlap="allow")
    scheduling.set_clock(NOON + HOUR + MINUTE)
    assert await scheduling.sweep() == SweepResult(started=2)
    stored = await scheduling.get(schedule)
    assert (stored.last_due_at, stored.missed) == (NOON + HOUR, 4)
    stored = await scheduling.get(hourly)
    assert (stored.last_due_at, stored.missed) == (NOON + HOUR / 2, 0), "its only due time made a run, late"
    scheduling.set_clock(NOON + HOUR + timedelta(minutes=15))
    assert await scheduling.sweep() == STARTED
    due = [NOON + HOUR, NOON + HOUR + timedelta(minutes=15)]
    assert await ids_of_runs(scheduling) == expected_ids(schedule, *due) + expected_ids(hourly, NOON + HOUR / 2)


async def test_a_schedule_that_is_set_back_makes_no_second_run(scheduling: Scheduling) -> None:
    """If a schedule's document is restored from a backup, a due time whose run is stored makes no other run."""
    scheduling.set_clock(NOON - MINUTE)
    schedule = await scheduling.create("0 12 * * *", overlap="allow")
    before = await scheduling.get(schedule)
    scheduling.set_clock(NOON)
    assert await scheduling.sweep() == STARTED

    async def restore(transaction: Transaction) -> None:
        await scheduling.database.schedules.get(schedule.id, transaction)
        scheduling.database.schedules.put(before, transaction)

    await scheduling.database.transaction(restore)
    assert await scheduling.sweep() == STARTED
    assert await ids_of_runs(scheduling) == expected_ids(schedule, NOON)
    assert (await scheduling.get(schedule)).next_due_at == NOON + timedelta(days=1)


@pytest.mark.parametrize("overlap", ["skip", "allow"])
async def test_overlapping_runs_are_skipped_or_allowed(scheduling: Scheduling, overlap: str) -> None:
    """With `skip`, a due time makes no run until the previous run has ended, which is counted."""
    scheduling.set_clock(NOON - MINUTE / 2)
    schedule = await scheduling.create("* * * * *", overlap=overlap)
    scheduling.set_clock(NOON)
    assert await scheduling.sweep() == STARTED
    scheduling.set_clock(NOON + MINUTE)
    assert await scheduling.sweep() == (SweepResult(skipped=1) if overlap == "skip" else STARTED)
    await scheduling.end_runs()
    scheduling.set_clock(NOON + 2 * MINUTE)
    assert await scheduling.sweep() == STARTED
    stored = await scheduling.get(schedule)
    assert (stored.skipped, stored.last_due_at) == (int(overlap == "skip"), NOON + 2 * MINUTE)
    due = [NOON, NOON + 2 * MINUTE] if overlap == "skip" else [NOON, NOON + MINUTE, NOON + 2 * MINUTE]
    assert await ids_of_runs(scheduling) == expected_ids(schedule, *due)


async def test_a_worker_runs_the_agent_between_due_times(scheduling: Scheduling, catalog: Catalog) -> None:
    """The worker completes each run with the agent's result, so the next due time does not find it unfinished."""
    harness = Harness(scheduling.settings, catalog)
    scheduling.set_clock(NOON - MINUTE / 2)
    schedule = await scheduling.create("* * * * *", input={"inputText": "hi"})
    for number in range(2):
        scheduling.set_clock(NOON + number * MINUTE)
        assert await scheduling.sweep() == STARTED
        run_id = make_run_id(schedule.id, NOON + number * MINUTE)
        await harness.deliver(run_id)
        ticket = await scheduling.database.tickets.get(run_id)
        assert ticket is not None
        assert ticket.status is TicketStatus.COMPLETED, ticket.error
        assert ticket.result is not None
        assert ticket.result.content == "hi"


async def test_a_disabled_schedule_makes_no_run(scheduling: Scheduling) -> None:
    """A disabled schedule makes no run. When it is enabled, it begins with the first due time from then on."""
    scheduling.set_clock(NOON - MINUTE)
    schedule = await scheduling.create("0 12 * * *", enabled=False)
    assert schedule.next_times == []
    scheduling.set_clock(NOON + HOUR)
    assert await scheduling.sweep() == NOTHING
    enable = UpdateScheduleRequest(enabled=True)
    enabled = await scheduling.service.update(scheduling.caller, schedule.id, enable)
    assert enabled.next_times[0] == NOON + timedelta(days=1)
    assert await scheduling.sweep() == NOTHING
    assert await scheduling.list_runs() == []


async def test_the_owner_may_change_what_does_not_concern_the_time(scheduling: Scheduling) -> None:
    """A due time that no sweep has seen yet makes a run with the new input. A new time of day replaces it."""
    scheduling.set_clock(NOON - MINUTE)
    schedule = await scheduling.create("0 12 * * *", overlap="allow")
    scheduling.set_clock(NOON)
    changed = UpdateScheduleRequest(input={"inputText": "new"}, cron="0 12 * * *")
    await scheduling.service.update(scheduling.caller, schedule.id, changed)
    assert await scheduling.sweep() == STARTED
    (ticket,) = await scheduling.list_runs()
    request = await scheduling.database.tickets.get_request(ticket.id)
    assert isinstance(request, RunInput)
    assert request.input == {"inputText": "new"}
    scheduling.set_clock(NOON + timedelta(days=1))
    await scheduling.service.update(scheduling.caller, schedule.id, UpdateScheduleRequest(cron="0 13 * * *"))
    assert await scheduling.sweep() == NOTHING


async def test_one_sweep_dispatches_a_limited_number(scheduling: Scheduling) -> None:
    """A sweep dispatches the schedules that have been due the longest, and the next sweep the others."""
    scheduling.set_clock(NOON - HOUR)
    agent = await save(scheduling.database, scheduling.caller, ECHO)
    late = [await scheduling.create(f"{minute} 12 * * *", agentId=agent.id) for minute in (4, 2, 3, 1)]
    scheduling.set_clock(NOON + HOUR / 2)
    assert await scheduling.dispatcher.dispatch_due(limit=3) == ["started"] * 3
    assert [(await scheduling.get(each)).last_run_id is None for each in late] == [True, False, False, False]
    assert await scheduling.dispatcher.dispatch_due(limit=3) == ["started"]


async def test_many_schedules_of_one_user_start_at_the_same_time(scheduling: Scheduling) -> None:
    """At midnight, all of a user's schedules make one run each, and the account counts them."""
    scheduling.set_clock(NOON - MINUTE)
    agent = await save(scheduling.database, scheduling.caller, ECHO)
    for _ in range(40):
        await scheduling.create("0 12 * * *", agentId=agent.id)
    scheduling.set_clock(NOON)
    dispatchers = [scheduling.create_dispatcher() for _ in range(2)]
    first, second = await asyncio.gather(*(dispatcher.dispatch_due() for dispatcher in dispatchers))
    assert Counter(first + second)["started"] == 40
    runs = await ids_of_runs(scheduling)
    assert (len(runs), set(runs.values())) == (40, {1})
    account = await scheduling.database.accounts.get(scheduling.caller.uid)
    assert account is not None
    assert account.unfinished == 40

"""Runs of schedules that cannot start, and sweeps that fail. The tests use the Firestore emulator, a scripted Cloud
Tasks server and a clock that they set.
"""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from shared.models.account import Account
from shared.models.agent import UpdateAgentRequest
from shared.models.caller import Caller
from shared.models.errors import ServiceError, Unavailable
from shared.models.ticket import Ticket
from shared.models.wire import JsonObject
from shared.services.accounts import disabled_users
from shared.services.agents.agents import AgentService
from shared.services.chat.run_submission import RunSubmission
from shared.services.chat.sweep import SweepResult
from shared.services.schedules.dispatch import ScheduleDispatcher, make_run_id
from shared.store import Transaction
from shared.tasks import task_queue
from tests.database_data import store_account
from tests.doubles.cloud_tasks import CloudTasksServer
from tests.services.publishing import ECHO, save
from tests.services.schedules.scheduling import (
    MINUTE,
    NOON,
    NOTHING,
    STARTED,
    Scheduling,
    expected_ids,
    ids_of_runs,
)


async def spend_allowance(scheduling: Scheduling) -> None:
    account = await scheduling.database.accounts.get(scheduling.caller.uid)
    assert account is not None
    await store_account(scheduling.database, account.model_copy(update={"remaining": 0}))


async def disable_user(scheduling: Scheduling) -> None:
    account = await scheduling.database.accounts.get(scheduling.caller.uid)
    assert account is not None
    await store_account(scheduling.database, account.model_copy(update={"disabled": True}))
    disabled_users._remembered.clear()  # pyright: ignore[reportPrivateUsage]


@pytest.mark.parametrize(
    ("hinder", "reason"),
    [(spend_allowance, "allowance"), (disable_user, "Your account is disabled. Ask an administrator.")],
)
async def test_a_run_that_cannot_start_is_recorded(scheduling: Scheduling, hinder: Any, reason: str) -> None:
    """The schedule says why a due time has no run, and waits for the next one. Other users' schedules go on."""
    scheduling.set_clock(NOON - 2 * MINUTE)
    schedule = await scheduling.create(overlap="allow")
    others = Scheduling(scheduling.database, scheduling.settings, scheduling.clock, Caller("someone-else"))
    other = await others.create(overlap="allow")
    scheduling.set_clock(NOON)
    assert await scheduling.sweep() == SweepResult(started=2)
    await hinder(scheduling)
    scheduling.set_clock(NOON + MINUTE)
    assert await scheduling.sweep() == SweepResult(started=1, refused=1)
    stored = await scheduling.get(schedule)
    assert reason in (stored.last_error or "")
    assert (stored.last_due_at, stored.next_due_at) == (NOON + MINUTE, NOON + 2 * MINUTE)
    assert stored.last_run_id == make_run_id(schedule.id, NOON)
    assert (await others.get(other)).last_error is None
    account = await scheduling.database.accounts.get(scheduling.caller.uid)
    assert account is not None
    await store_account(scheduling.database, account.model_copy(update={"remaining": 100_000, "disabled": False}))
    scheduling.set_clock(NOON + 2 * MINUTE)
    assert await scheduling.sweep() == SweepResult(started=2)
    assert (await scheduling.get(schedule)).last_error is None


async def test_nothing_is_held_for_a_run_that_cannot_start(scheduling: Scheduling) -> None:
    """A run that is refused after money was held for it changes nothing but the schedule."""
    scheduling.set_clock(NOON - MINUTE / 2)
    schedule = await scheduling.create(overlap="allow")

    class Refusing:
        async def start_in(
            self, caller: Caller, agent_id: str, input_dict: JsonObject, run_id: str, transaction: Transaction
        ) -> Ticket:
            account = await scheduling.database.accounts.get("rich", transaction)
            assert account is not None
            scheduling.database.accounts.put(account.model_copy(update={"held": 1}), transaction)
            raise ServiceError("No.")

        async def enqueue(self, ticket: Ticket) -> None:
            raise AssertionError

    await store_account(
        scheduling.database, Account(uid="rich", allowance=1, remaining=1, created_at=NOON, updated_at=NOON)
    )
    scheduling.set_clock(NOON)
    dispatcher = ScheduleDispatcher(scheduling.database, Refusing(), scheduling.settings)
    assert await dispatcher.dispatch_due() == ["refused"]
    account = await scheduling.database.accounts.get("rich")
    assert account is not None
    assert account.held == 0
    assert (await scheduling.get(schedule)).last_error == "No."


async def test_an_agent_that_is_gone_disables_its_schedule(scheduling: Scheduling) -> None:
    """If its agent was deleted, a schedule is disabled and says why, and its `_rev` changes."""
    scheduling.set_clock(NOON - MINUTE / 2)
    schedule = await scheduling.create()
    await AgentService(scheduling.database).delete(scheduling.caller, schedule.agent_id)
    scheduling.set_clock(NOON)
    assert await scheduling.sweep() == SweepResult(refused=1)
    shown = await scheduling.service.get(scheduling.caller, schedule.id)
    assert (shown.enabled, shown.next_times, shown.last_due_at) == (False, [], NOON)
    assert "no longer exists" in (shown.last_error or "")
    assert shown.rev != schedule.rev
    scheduling.set_clock(NOON + MINUTE)
    assert await scheduling.sweep() == NOTHING


async def test_an_agent_that_is_no_longer_shared_disables_its_schedules(scheduling: Scheduling) -> None:
    """A schedule of another user's agent works while that is shared."""
    scheduling.set_clock(NOON - MINUTE / 2)
    owner = Caller("owner")
    agent = await save(scheduling.database, owner, ECHO, visibility="shared")
    schedule = await scheduling.create(agentId=agent.id, overlap="allow")
    scheduling.set_clock(NOON)
    assert await scheduling.sweep() == STARTED
    await AgentService(scheduling.database).update(owner, agent.id, UpdateAgentRequest(visibility="private"))
    scheduling.set_clock(NOON + MINUTE)
    assert await scheduling.sweep() == SweepResult(refused=1)
    assert not (await scheduling.get(schedule)).fields.enabled


async def test_an_input_that_no_longer_fits_is_recorded(scheduling: Scheduling) -> None:
    """If the agent's schema has changed, the error says what does not fit."""
    scheduling.set_clock(NOON - MINUTE / 2)
    schedule = await scheduling.create()
    schema = UpdateAgentRequest(input_schema={"number": "integer"})
    await AgentService(scheduling.database).update(scheduling.caller, schedule.agent_id, schema)
    scheduling.set_clock(NOON)
    assert await scheduling.sweep() == SweepResult(refused=1)
    stored = await scheduling.get(schedule)
    assert "number" in (stored.last_error or "")
    assert stored.fields.enabled


async def test_an_outage_leaves_the_due_time_for_the_next_sweep(scheduling: Scheduling) -> None:
    """While the database cannot be reached, nothing is recorded, and the next sweep starts the run."""
    scheduling.set_clock(NOON - MINUTE / 2)
    schedule = await scheduling.create()

    class Down:
        async def start_in(
            self, caller: Caller, agent_id: str, input_dict: JsonObject, run_id: str, transaction: Transaction
        ) -> Ticket:
            raise Unavailable("The database cannot be reached right now.")

        async def enqueue(self, ticket: Ticket) -> None:
            raise AssertionError

    scheduling.set_clock(NOON)
    assert await ScheduleDispatcher(scheduling.database, Down(), scheduling.settings).dispatch_due() == ["left"]
    assert (await scheduling.get(schedule)).next_due_at == NOON
    assert await scheduling.sweep() == STARTED
    assert await ids_of_runs(scheduling) == expected_ids(schedule, NOON)


async def test_a_sweep_that_dies_after_its_commit_loses_no_run(
    scheduling: Scheduling, cloud_tasks: CloudTasksServer
) -> None:
    """If a sweep dies before it queues a run that it has stored, a later sweep queues it, and starts no other."""

    class Dying(RunSubmission):
        async def enqueue(self, ticket: Ticket) -> None:
            raise asyncio.CancelledError

    scheduling.set_clock(NOON - MINUTE / 2)
    schedule = await scheduling.create("0 12 * * *")
    scheduling.set_clock(NOON)
    runs = Dying(scheduling.database, task_queue(scheduling.settings), scheduling.settings)
    with pytest.raises(asyncio.CancelledError):
        await ScheduleDispatcher(scheduling.database, runs, scheduling.settings).dispatch_due()
    assert not cloud_tasks.tasks
    assert await scheduling.sweep() == NOTHING
    scheduling.set_clock(NOON + timedelta(seconds=scheduling.settings.sweep_after_seconds + 1))
    assert await scheduling.sweep() == NOTHING
    assert [name.split("/")[-1] for name in cloud_tasks.tasks] == [f"{make_run_id(schedule.id, NOON)}-2"]
    assert await ids_of_runs(scheduling) == expected_ids(schedule, NOON)


async def test_a_broken_schedule_does_not_stop_the_others(scheduling: Scheduling) -> None:
    """A schedule that cannot be read is logged and left; the others start, and the tickets are swept."""
    scheduling.set_clock(NOON - MINUTE / 2)
    broken, good = await scheduling.create(), await scheduling.create()
    document = scheduling.database._client.collection("schedules").document(broken.id)  # pyright: ignore[reportPrivateUsage]
    await document.update({"body": "{"})
    scheduling.set_clock(NOON)
    assert await scheduling.sweep() == SweepResult(started=1, left=1)
    assert (await scheduling.get(good)).last_due_at == NOON

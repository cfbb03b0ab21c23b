"""A change that fails does not affect the others of its commit, and an outage is reported to all of them."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

import pytest
from google.api_core.exceptions import InvalidArgument
from google.cloud.firestore import AsyncDocumentReference

from shared.models.errors import NotStarted, Unavailable
from shared.settings import Settings
from shared.store import Database, Transaction
from tests.database_faults import break_commits
from tests.store.group_changes import GROUP, Refused, add, busy, create_documents

Body = Callable[[Transaction], Awaitable[None]]


async def test_a_refused_change_fails_alone(
    database: Database, reference: AsyncDocumentReference, commits: list[int]
) -> None:
    """A change that raises an error changes nothing, not even what it had already written. The others take effect."""

    async def write_and_fail(transaction: Transaction) -> None:
        await transaction.get(reference)
        transaction.set(reference, {"x": 1000})
        raise Refused

    async with busy(database):
        changes = [
            asyncio.create_task(database.change(GROUP, body))
            for body in (add(reference, 1), write_and_fail, add(reference, 5, limit=5), add(reference, 2))
        ]
    results = await asyncio.gather(*changes, return_exceptions=True)
    assert results == [1, results[1], results[2], 3]
    assert isinstance(results[1], Refused)
    assert isinstance(results[2], Refused)
    assert commits == [1]


async def test_cancelled_changes_are_skipped(database: Database, reference: AsyncDocumentReference) -> None:
    """A change whose caller stops waiting before it starts is never applied."""
    async with busy(database):
        changes = [asyncio.create_task(database.change(GROUP, add(reference, 10**n))) for n in range(3)]
        await asyncio.sleep(0)
        changes[1].cancel()
    results = await asyncio.gather(*changes, return_exceptions=True)
    assert (results[0], results[2]) == (1, 101)
    assert isinstance(results[1], asyncio.CancelledError)


async def test_a_caller_who_leaves_does_not_disturb_the_others(
    database: Database, reference: AsyncDocumentReference
) -> None:
    """If a caller stops waiting while its change is applied, the other changes of the commit take effect."""
    started, end = asyncio.Event(), asyncio.Event()

    async def slow(transaction: Transaction) -> None:
        await add(reference, 1)(transaction)
        started.set()
        await end.wait()

    async with busy(database):
        leaving = asyncio.create_task(database.change(GROUP, slow))
        staying = asyncio.create_task(database.change(GROUP, add(reference, 10)))
    await started.wait()
    leaving.cancel()
    end.set()
    assert await staying in (10, 11)
    assert await database.change(GROUP, add(reference, 100)) in (110, 111)


async def test_an_invalid_change_fails_alone(database: Database, reference: AsyncDocumentReference) -> None:
    """If Firestore rejects a commit as malformed, its changes are committed one by one, and only one fails."""

    async def write_too_much(transaction: Transaction) -> None:
        await transaction.get(reference)
        transaction.set(reference, {"x": "x" * 2_000_000})

    async with busy(database):
        changes = [
            asyncio.create_task(database.change(GROUP, body))
            for body in (add(reference, 1), write_too_much, add(reference, 1))
        ]
    results = await asyncio.gather(*changes, return_exceptions=True)
    assert (results[0], results[2]) == (1, 2)
    assert isinstance(results[1], InvalidArgument)


@pytest.mark.parametrize("value", [2**63, "\ud800", object()])
async def test_a_value_that_cannot_be_stored_fails_alone(
    database: Database, reference: AsyncDocumentReference, value: object
) -> None:
    """A change with a value that Firestore cannot store does not keep the others from being committed."""
    other = database._client.collection("things").document("other")  # pyright: ignore[reportPrivateUsage]

    async def write_value(transaction: Transaction) -> None:
        await transaction.get(other)
        transaction.set(other, {"x": value})

    async with busy(database):
        changes = [
            asyncio.create_task(database.change(GROUP, body))
            for body in (add(reference, 1), write_value, add(reference, 1))
        ]
    results = await asyncio.gather(*changes, return_exceptions=True)
    assert (results[0], results[2]) == (1, 2)
    assert isinstance(results[1], TypeError | ValueError)


async def test_something_that_is_cancelled_inside_a_change_fails_it_alone(
    database: Database, reference: AsyncDocumentReference
) -> None:
    """If something that a change waits for is cancelled, only that change fails, and later ones are committed."""

    async def wait_for_cancelled(_: Transaction) -> None:
        raise asyncio.CancelledError

    async with busy(database):
        changes = [
            asyncio.create_task(database.change(GROUP, body)) for body in (wait_for_cancelled, add(reference, 1))
        ]
    results = await asyncio.gather(*changes, return_exceptions=True)
    assert isinstance(results[0], Unavailable)
    assert results[1] == 1
    assert await database.change(GROUP, add(reference, 1)) == 2


async def test_a_document_that_exists_already_fails_alone(
    database: Database, reference: AsyncDocumentReference
) -> None:
    """A change that can never be committed, since its document exists, does not keep others from being committed."""
    await database._client.collection("things").document("a-0").set({})  # pyright: ignore[reportPrivateUsage]
    async with busy(database):
        changes = [
            asyncio.create_task(database.change(GROUP, body))
            for body in (add(reference, 1), create_documents(database, "a", [""]), add(reference, 1))
        ]
    results = await asyncio.gather(*changes, return_exceptions=True)
    assert (results[0], results[2]) == (1, 2)
    assert isinstance(results[1], Unavailable)


async def test_an_outage_fails_all_changes(settings: Settings, reference: AsyncDocumentReference) -> None:
    """During an outage, every change of the commit raises `Unavailable`, and later ones succeed again."""
    database = Database(settings.model_copy(update={"store_timeout_seconds": 0.3}))
    async with busy(database):
        changes = [asyncio.create_task(database.change(GROUP, add(reference, 1))) for _ in range(2)]
        restore = break_commits(database, 1)
    results = await asyncio.gather(*changes, return_exceptions=True)
    assert [type(result) for result in results] == [Unavailable, Unavailable]
    restore()
    assert await database.change(GROUP, add(reference, 1)) == 1


async def commit_together(database: Database, body: Body) -> None:
    await database.change(GROUP, body)


async def take_turns(database: Database, body: Body) -> None:
    await database.transaction(body, serialize_on=GROUP)


@pytest.mark.parametrize("run", [commit_together, take_turns])
async def test_a_transaction_that_times_out_before_it_starts_raises_not_started(
    settings: Settings, run: Callable[[Database, Body], Coroutine[Any, Any, None]]
) -> None:
    """A transaction that times out while it waits for others raises `NotStarted`, because it has read and written
    nothing. One that has begun raises only `Unavailable`."""
    database = Database(settings.model_copy(update={"store_timeout_seconds": 0.2}))
    runs: list[str] = []
    end = asyncio.Event()

    async def long(_: Transaction) -> None:
        runs.append("long")
        await end.wait()

    async def short(_: Transaction) -> None:
        runs.append("short")

    first = asyncio.create_task(run(Database(settings), long))
    await asyncio.sleep(0)
    with pytest.raises(NotStarted):
        await run(database, short)
    assert runs == ["long"]
    end.set()
    await first
    end.clear()
    with pytest.raises(Unavailable) as timed_out:
        await run(database, long)
    assert not isinstance(timed_out.value, NotStarted)

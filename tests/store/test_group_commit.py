"""Group commit: waiting changes are committed together, and each has the same effect as if it were alone."""

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack
from contextvars import ContextVar
from typing import Any

import pytest
from google.api_core.exceptions import ServiceUnavailable
from google.cloud.firestore import AsyncDocumentReference

from shared.store import Database, Transaction
from shared.store.documents import name_of
from shared.store.group_commit import MAX_BYTES, MAX_CHANGES, MAX_WRITES
from shared.store.reads import read_snapshot
from shared.store.transaction import read
from tests.database_faults import lose_responses
from tests.store.group_changes import GROUP, Refused, add, busy, create_documents


async def test_a_single_change_does_not_wait(
    database: Database, reference: AsyncDocumentReference, commits: list[int]
) -> None:
    """Changes that arrive one after the other are committed one by one."""
    assert [await database.change(GROUP, add(reference, 1)) for _ in range(3)] == [1, 2, 3]
    assert commits == [1, 1, 1]


async def test_waiting_changes_are_committed_together(
    database: Database, reference: AsyncDocumentReference, commits: list[int], reads: list[int]
) -> None:
    """Changes that wait are applied in order, with one read and one write of the document. Each sees those before."""
    async with busy(database):
        changes = [asyncio.create_task(database.change(GROUP, add(reference, 10**n))) for n in range(4)]
    assert await asyncio.gather(*changes) == [1, 11, 111, 1111]
    assert commits == [1]
    assert reads == [1]
    assert await read(reference, None) == {"x": 1111}


async def test_urgent_changes_go_first(database: Database, reference: AsyncDocumentReference) -> None:
    """Urgent changes are applied before all others that wait."""
    async with busy(database):
        plain = [asyncio.create_task(database.change(GROUP, add(reference, 1))) for _ in range(2)]
        urgent = asyncio.create_task(database.change(GROUP, add(reference, 10), urgent=True))
    assert await asyncio.gather(urgent, *plain) == [10, 11, 12]


async def test_overtaken_changes_are_applied_again(database: Database, reference: AsyncDocumentReference) -> None:
    """If another process changes the document before the commit, all changes are applied to the new version."""
    runs = 0

    async def add_late(transaction: Transaction) -> int:
        nonlocal runs
        runs += 1
        result = await add(reference, 1)(transaction)
        if runs == 1:
            await reference.set({"x": 50})
        return result

    async with busy(database):
        changes = [asyncio.create_task(database.change(GROUP, body)) for body in (add_late, add(reference, 1, 40))]
    results = await asyncio.gather(*changes, return_exceptions=True)
    assert results[0] == 51
    assert isinstance(results[1], Refused)
    assert await read(reference, None) == {"x": 51}


async def test_no_change_is_applied_twice(database: Database, reference: AsyncDocumentReference) -> None:
    """If the response to a commit is lost, its changes are recognized, with the results that they had."""
    committed: list[str] = []

    def add_and_log(name: str) -> Callable[[Transaction], Any]:
        async def change(transaction: Transaction) -> int:
            transaction.on_commit(lambda: committed.append(name))
            return await add(reference, 1)(transaction)

        return change

    async with busy(database):
        changes = [asyncio.create_task(database.change(GROUP, add_and_log(name))) for name in "abc"]
        changes.append(asyncio.create_task(database.change(GROUP, add(reference, 1, limit=3))))
        lose_responses(database, ServiceUnavailable("gone"))
    results = await asyncio.gather(*changes, return_exceptions=True)
    assert results[:3] == [1, 2, 3]
    assert isinstance(results[3], Refused)
    assert committed == ["a", "b", "c"]
    assert await read(reference, None) == {"x": 3}


async def test_a_commit_has_a_limited_number_of_changes(
    database: Database, reference: AsyncDocumentReference, commits: list[int]
) -> None:
    """More changes than the limit are committed in several commits, in order."""
    async with busy(database):
        changes = [asyncio.create_task(database.change(GROUP, add(reference, 1))) for _ in range(MAX_CHANGES + 1)]
    assert await asyncio.gather(*changes) == list(range(1, MAX_CHANGES + 2))
    assert commits == [1, 1]


@pytest.mark.parametrize(
    ("texts", "sizes"),
    [
        pytest.param([""] * 40, [80, 40], id="writes"),
        pytest.param([""] * (MAX_WRITES + 20), [120, 120, 120], id="one change with more writes"),
        pytest.param(["x" * 350_000] * 4, [8, 4], id="bytes"),
        pytest.param(["é" * 175_000] * 4, [8, 4], id="bytes beyond ASCII"),
    ],
)
async def test_a_commit_has_a_limited_size(
    database: Database, commits: list[int], texts: list[str], sizes: list[int]
) -> None:
    """Changes that together write too many documents, or too much, are committed separately, in order."""
    assert 4 * 350_000 * 2 < MAX_BYTES < 4 * 350_000 * 3
    async with busy(database):
        changes = [asyncio.create_task(database.change(GROUP, create_documents(database, n, texts))) for n in "abc"]
    assert await asyncio.gather(*changes) == ["a", "b", "c"]
    assert commits == sizes


async def test_urgent_changes_go_before_those_that_did_not_fit(
    database: Database, reference: AsyncDocumentReference
) -> None:
    """Changes that did not fit into a commit wait behind urgent ones that have arrived since."""
    order: list[str] = []

    def write_much(name: str) -> Callable[[Transaction], Any]:
        async def change(transaction: Transaction) -> None:
            await create_documents(database, name, [""] * 60)(transaction)
            transaction.on_commit(lambda: order.append(name))

        return change

    async def settle(transaction: Transaction) -> None:
        await add(reference, 1)(transaction)
        transaction.on_commit(lambda: order.append("urgent"))

    async with busy(database):
        changes = [asyncio.create_task(database.change(GROUP, write_much(name))) for name in "abcdef"]
    while not order:  # noqa: ASYNC110 - another task appends to it
        await asyncio.sleep(0)
    changes.append(asyncio.create_task(database.change(GROUP, settle, urgent=True)))
    await asyncio.gather(*changes)
    assert order.index("urgent") <= 2


async def test_each_change_runs_in_the_context_of_its_caller(
    database: Database, reference: AsyncDocumentReference
) -> None:
    """A change and its callback see the context variables of their own request."""
    request: ContextVar[str] = ContextVar("request", default="none")
    seen: list[tuple[str, str]] = []

    async def change(transaction: Transaction) -> str:
        await add(reference, 1)(transaction)
        in_change = request.get()
        transaction.on_commit(lambda: seen.append((in_change, request.get())))
        return in_change

    async def send(name: str) -> str:
        request.set(name)
        return await database.change(GROUP, change)

    async with busy(database):
        sending = [asyncio.create_task(send(name)) for name in "abc"]
    assert await asyncio.gather(*sending) == ["a", "b", "c"]
    assert seen == [("a", "a"), ("b", "b"), ("c", "c")]


async def test_groups_do_not_wait_for_each_other(database: Database, reference: AsyncDocumentReference) -> None:
    """A change of another group does not wait for a busy one."""
    async with busy(database):
        assert await database.change("another", add(reference, 1)) == 1


@pytest.mark.parametrize("together", [False, True])
async def test_a_document_that_was_just_read_is_not_read_again(
    database: Database, reference: AsyncDocumentReference, reads: list[int], together: bool
) -> None:
    """A change may begin with a document that was read before it. If it has changed since, the change is repeated."""
    await reference.set({"x": 1})
    seen = {name_of(reference): await read_snapshot(reference)}
    reads.clear()
    async with AsyncExitStack() as stack:
        if together:
            await stack.enter_async_context(busy(database))
        change = asyncio.create_task(database.change(GROUP, add(reference, 1), seen))
    assert await change == 2
    assert reads == []
    assert await database.change(GROUP, add(reference, 1), seen) == 3
    assert await read(reference, None) == {"x": 3}

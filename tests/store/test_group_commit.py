"""Group commit: waiting changes are committed together, and each has the same effect as if it were alone."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from contextvars import ContextVar
from typing import Any

import pytest
from google.api_core.exceptions import InvalidArgument, ServiceUnavailable
from google.cloud.firestore import AsyncDocumentReference

from shared.models.errors import NotStarted, Unavailable
from shared.settings import Settings
from shared.store import Database, Transaction
from shared.store.documents import name_of
from shared.store.group_commit import MAX_BYTES, MAX_CHANGES, MAX_WRITES
from shared.store.reads import read_snapshot
from shared.store.transaction import read
from tests.database_faults import break_commits, lose_responses

GROUP = "things"


class Refused(Exception):
    pass


@pytest.fixture
def reference(database: Database) -> AsyncDocumentReference:
    return database._client.collection("things").document("counter")  # pyright: ignore[reportPrivateUsage]


@pytest.fixture
def commits(database: Database, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Returns the number of writes of each commit that is sent, including those that fail."""
    sizes: list[int] = []
    api: Any = database._client._firestore_api  # pyright: ignore[reportPrivateUsage]
    commit = api.commit

    async def record(request: Any, **options: Any) -> Any:
        sizes.append(len(request.writes))
        return await commit(request=request, **options)

    monkeypatch.setattr(api, "commit", record)
    return sizes


@asynccontextmanager
async def busy(database: Database) -> AsyncGenerator[None]:
    """Keeps the group busy during the block, so that the changes that are started in it wait."""
    end = asyncio.Event()

    async def wait(_: Transaction) -> None:
        await end.wait()

    waiting = asyncio.create_task(database.change(GROUP, wait))
    await asyncio.sleep(0)
    try:
        yield
        await asyncio.sleep(0)
    finally:
        end.set()
        await waiting


def add(reference: AsyncDocumentReference, amount: int, limit: int | None = None) -> Callable[[Transaction], Any]:
    """Returns a change that adds to the counter and returns it, and is refused above the limit."""

    async def change(transaction: Transaction) -> int:
        total = (await transaction.get(reference) or {"x": 0})["x"] + amount
        if limit is not None and total > limit:
            raise Refused
        transaction.set(reference, {"x": total})
        return total

    return change


async def test_a_single_change_does_not_wait(
    database: Database, reference: AsyncDocumentReference, commits: list[int]
) -> None:
    """Changes that arrive one after the other are committed one by one."""
    assert [await database.change(GROUP, add(reference, 1)) for _ in range(3)] == [1, 2, 3]
    assert commits == [1, 1, 1]


async def test_waiting_changes_are_committed_together(
    database: Database, reference: AsyncDocumentReference, commits: list[int]
) -> None:
    """Changes that wait are applied in order, with one read and one write of the document. Each sees those before."""
    reads = count_reads(database)
    async with busy(database):
        changes = [asyncio.create_task(database.change(GROUP, add(reference, 10**n))) for n in range(4)]
    assert await asyncio.gather(*changes) == [1, 11, 111, 1111]
    assert commits == [1]
    assert reads == [1]
    assert await read(reference, None) == {"x": 1111}


def count_reads(database: Database) -> list[int]:
    """Returns a list that gets the number of documents of each request to read."""
    sizes: list[int] = []
    api: Any = database._client._firestore_api  # pyright: ignore[reportPrivateUsage]
    batch_get = api.batch_get_documents

    async def record(request: Any, **options: Any) -> Any:
        sizes.append(len(request.documents))
        return await batch_get(request=request, **options)

    api.batch_get_documents = record
    return sizes


async def test_urgent_changes_go_first(database: Database, reference: AsyncDocumentReference) -> None:
    """Urgent changes are applied before all others that wait."""
    async with busy(database):
        plain = [asyncio.create_task(database.change(GROUP, add(reference, 1))) for _ in range(2)]
        urgent = asyncio.create_task(database.change(GROUP, add(reference, 10), urgent=True))
    assert await asyncio.gather(urgent, *plain) == [10, 11, 12]


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


def create_documents(database: Database, name: str, texts: list[str]) -> Callable[[Transaction], Any]:
    """Returns a change that creates a document with each of the texts."""

    async def change(transaction: Transaction) -> str:
        for number, text in enumerate(texts):
            document = database._client.collection("things").document(f"{name}-{number}")  # pyright: ignore[reportPrivateUsage]
            transaction.create(document, {"text": text})
        return name

    return change


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


async def test_a_change_that_times_out_before_it_starts_raises_not_started(settings: Settings) -> None:
    """A change that times out before its commit begins raises `NotStarted`, because it has read and written nothing.
    One that has begun raises only `Unavailable`."""
    database = Database(settings.model_copy(update={"store_timeout_seconds": 0.2}))
    runs: list[str] = []
    end = asyncio.Event()

    async def long(_: Transaction) -> None:
        runs.append("long")
        await end.wait()

    async def short(_: Transaction) -> None:
        runs.append("short")

    first = asyncio.create_task(Database(settings).change(GROUP, long))
    await asyncio.sleep(0)
    with pytest.raises(NotStarted):
        await database.change(GROUP, short)
    assert runs == ["long"]
    end.set()
    await first
    end.clear()
    with pytest.raises(Unavailable) as timed_out:
        await database.change(GROUP, long)
    assert not isinstance(timed_out.value, NotStarted)


async def test_transactions_that_take_turns_run_one_at_a_time(settings: Settings) -> None:
    """Transactions with the same `serialize_on` run one after the other. One that waits too long never starts."""
    database = Database(settings.model_copy(update={"store_timeout_seconds": 0.2}))
    runs: list[str] = []
    end = asyncio.Event()

    async def long(_: Transaction) -> None:
        runs.append("long")
        await end.wait()

    async def short(_: Transaction) -> None:
        runs.append("short")

    first = asyncio.create_task(Database(settings).transaction(long, serialize_on="mine"))
    await asyncio.sleep(0)
    with pytest.raises(NotStarted):
        await database.transaction(short, serialize_on="mine")
    assert runs == ["long"]
    end.set()
    await first


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
    database: Database, reference: AsyncDocumentReference, together: bool
) -> None:
    """A change may begin with a document that was read before it. If it has changed since, the change is repeated."""
    await reference.set({"x": 1})
    seen = {name_of(reference): await read_snapshot(reference)}
    reads = count_reads(database)
    async with AsyncExitStack() as stack:
        if together:
            await stack.enter_async_context(busy(database))
        change = asyncio.create_task(database.change(GROUP, add(reference, 1), seen))
    assert await change == 2
    assert reads == []
    assert await database.change(GROUP, add(reference, 1), seen) == 3
    assert await read(reference, None) == {"x": 3}

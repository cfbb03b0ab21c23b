"""Optimistic transactions, in the real Firestore emulator."""

from typing import Any

import pytest
from google.api_core.exceptions import Aborted, DeadlineExceeded, ServiceUnavailable
from google.cloud.firestore import AsyncDocumentReference

from shared.settings import Settings
from shared.store import Database, Transaction
from shared.store.transaction import COMMITS, MAX_COMMITS, read
from tests.database_faults import lose_responses


async def stored(reference: AsyncDocumentReference) -> dict[str, Any] | None:
    """The document without the ids of its commits."""
    return await read(reference, None)


@pytest.fixture
def reference(database: Database) -> AsyncDocumentReference:
    return database._client.collection("things").document("t")  # pyright: ignore[reportPrivateUsage]


async def test_a_read_is_repeatable(database: Database, reference: AsyncDocumentReference) -> None:
    """What was read first is what counts: a change meanwhile makes the whole run again."""
    await reference.set({"x": 5})
    runs: list[int] = []

    async def add_one(transaction: Transaction) -> None:
        first = await transaction.get(reference)
        if not runs:
            await reference.set({"x": 100})
        second = await transaction.get(reference)
        assert first is not None
        assert first == second
        runs.append(first["x"])
        transaction.set(reference, {"x": first["x"] + 1})

    await database.transaction(add_one)
    assert runs == [5, 100]
    assert await stored(reference) == {"x": 101}


async def test_a_set_replaces_the_whole_document(database: Database, reference: AsyncDocumentReference) -> None:
    """Fields that the new one lacks are gone; maps are replaced, not merged; the last of several sets counts."""
    await reference.set({"old": 1, "map": {"a": 1, "b": 2}})

    async def replace(transaction: Transaction) -> None:
        await transaction.get(reference)
        transaction.set(reference, {"map": {}})
        transaction.set(reference, {"map": {"c": 3}})

    await database.transaction(replace)
    assert await stored(reference) == {"map": {"c": 3}}


async def test_a_new_document_can_be_set_twice(database: Database, reference: AsyncDocumentReference) -> None:
    """Likewise."""

    async def create(transaction: Transaction) -> None:
        assert await transaction.get(reference) is None
        transaction.set(reference, {"x": 1})
        transaction.set(reference, {"x": 2})

    await database.transaction(create)
    assert await stored(reference) == {"x": 2}


async def test_what_was_not_read_cannot_be_set(database: Database, reference: AsyncDocumentReference) -> None:
    """It would overwrite blindly."""

    async def blind(transaction: Transaction) -> None:
        transaction.set(reference, {"x": 1})

    with pytest.raises(KeyError):
        await database.transaction(blind)


@pytest.mark.parametrize("name", ["a.b", "a b", "", "`"])
async def test_names_that_are_paths_are_refused(
    database: Database, reference: AsyncDocumentReference, name: str
) -> None:
    """Firestore would take them for nested fields."""

    async def odd(transaction: Transaction) -> None:
        await transaction.get(reference)
        transaction.set(reference, {name: 1})

    with pytest.raises(ValueError, match="identifiers"):
        await database.transaction(odd)


async def test_a_malformed_request_is_our_own_bug(database: Database) -> None:
    """It is not reported as an outage."""
    from google.api_core.exceptions import InvalidArgument

    async def malformed(transaction: Transaction) -> Any:
        return await transaction.get(database._client.collection("__reserved__").document("x"))  # pyright: ignore[reportPrivateUsage]

    with pytest.raises(InvalidArgument):
        await database.transaction(malformed)


async def test_a_deletion_of_what_changed_meanwhile_is_decided_again(
    settings: Settings, database: Database, reference: AsyncDocumentReference
) -> None:
    """The version that was read is the one that is deleted."""
    await reference.set({"x": 1})
    seen: list[int] = []

    async def delete(transaction: Transaction) -> None:
        document = await transaction.get(reference)
        assert document is not None
        if not seen:
            await reference.set({"x": 2})
        seen.append(document["x"])
        transaction.delete(reference)

    await database.transaction(delete)
    assert seen == [1, 2]
    assert not (await reference.get()).exists


async def test_a_callback_on_commit_is_called_once(database: Database, reference: AsyncDocumentReference) -> None:
    """Of the run that was committed, and of none that was overtaken."""
    told: list[int] = []
    runs = 0

    async def write(transaction: Transaction) -> None:
        nonlocal runs
        runs += 1
        run = runs
        await transaction.get(reference)
        if run == 1:
            await reference.set({"x": 100})
        transaction.set(reference, {"x": run})
        transaction.on_commit(lambda: told.append(run))

    await database.transaction(write)
    assert (runs, told) == (2, [2])


async def test_a_callback_on_commit_is_not_called_after_a_failure(database: Database) -> None:
    """Nothing has happened."""
    told: list[str] = []

    async def fail(transaction: Transaction) -> None:
        transaction.on_commit(lambda: told.append("done"))
        raise LookupError

    with pytest.raises(LookupError):
        await database.transaction(fail)
    assert told == []


@pytest.mark.parametrize("error", [DeadlineExceeded("late"), ServiceUnavailable("gone"), Aborted("repeated")])
async def test_a_commit_that_took_effect_is_recognized(
    database: Database, reference: AsyncDocumentReference, error: Exception
) -> None:
    """When only the response to a commit is lost, the body does not run again, and its result stands."""
    results: list[int] = []
    committed: list[int] = []

    async def count(transaction: Transaction) -> int:
        document = await transaction.get(reference) or {"x": 0}
        results.append(document["x"] + 1)
        transaction.set(reference, {"x": results[-1]})
        transaction.on_commit(lambda: committed.append(results[-1]))
        return results[-1]

    await database.transaction(count)
    lose_responses(database, error)
    assert await database.transaction(count) == 2
    assert (results, committed, await stored(reference)) == ([1, 2], [1, 2], {"x": 2})


async def test_a_commit_is_recognized_among_later_ones(database: Database, reference: AsyncDocumentReference) -> None:
    """Other transactions may write the same document before the retry, up to the number of ids that it keeps."""
    runs: list[int] = []

    async def add_one(transaction: Transaction) -> None:
        document = await transaction.get(reference) or {"x": 0}
        transaction.set(reference, {"x": document["x"] + 1})

    async def add_and_be_followed(transaction: Transaction) -> None:
        runs.append(1)
        await add_one(transaction)

    lose_responses(database, ServiceUnavailable("gone"))
    commit = database._client._firestore_api.commit  # pyright: ignore[reportPrivateUsage]

    async def be_followed(*args: Any, **kwargs: Any) -> Any:
        try:
            return await commit(*args, **kwargs)
        except ServiceUnavailable:
            for _ in range(MAX_COMMITS - 1):
                await database.transaction(add_one)
            raise

    database._client._firestore_api.commit = be_followed  # pyright: ignore[reportPrivateUsage]
    await database.transaction(add_and_be_followed)
    assert runs == [1]
    assert await stored(reference) == {"x": MAX_COMMITS}


async def test_a_document_keeps_few_ids(database: Database, reference: AsyncDocumentReference) -> None:
    """The ids of commits do not make a document grow without end, and no reader of a document gets them."""

    async def write(transaction: Transaction) -> None:
        assert COMMITS not in (await transaction.get(reference) or {})
        transaction.set(reference, {"x": 1})

    for _ in range(MAX_COMMITS + 3):
        await database.transaction(write)
    document = (await reference.get()).to_dict() or {}
    assert len(document[COMMITS]) == len(set(document[COMMITS])) == MAX_COMMITS


async def test_a_deletion_that_took_effect_is_recognized(database: Database, reference: AsyncDocumentReference) -> None:
    """A transaction that only deletes does not look for what it has deleted."""
    await reference.set({"x": 1})

    async def delete(transaction: Transaction) -> str:
        assert await transaction.get(reference) is not None
        transaction.delete(reference)
        return "deleted"

    lose_responses(database, ServiceUnavailable("gone"))
    assert await database.transaction(delete) == "deleted"
    assert not (await reference.get()).exists


async def test_a_deletion_by_another_is_not_taken_for_ones_own(
    database: Database, reference: AsyncDocumentReference
) -> None:
    """A transaction that also writes recognizes its commit by what it wrote alone: another settled the hold first."""
    account = database._client.collection("things").document("account")  # pyright: ignore[reportPrivateUsage]
    await reference.set({"x": 1})
    await account.set({"x": 1})
    runs: list[bool] = []

    async def settle(transaction: Transaction) -> str:
        hold = await transaction.get(reference)
        await transaction.get(account)
        if not runs:
            await reference.delete()
        runs.append(hold is not None)
        if hold is None:
            return "settled by another"
        transaction.delete(reference)
        transaction.set(account, {"x": 2})
        return "settled"

    assert await database.transaction(settle) == "settled by another"
    assert runs == [True, False]
    assert await stored(account) == {"x": 1}


async def test_a_deletion_is_recognized_when_a_name_was_taken_again(
    database: Database, reference: AsyncDocumentReference
) -> None:
    """Of two documents that a commit deleted, another owner has created one anew before the retry."""
    name = database._client.collection("things").document("name")  # pyright: ignore[reportPrivateUsage]
    await reference.set({"x": 1})
    await name.set({"owner": "first"})

    async def delete(transaction: Transaction) -> str:
        assert await transaction.get(reference) is not None
        await transaction.get(name)
        transaction.delete(reference)
        transaction.delete(name)
        return "deleted"

    api = database._client._firestore_api  # pyright: ignore[reportPrivateUsage]
    commit = api.commit

    async def commit_and_reuse(*args: Any, **kwargs: Any) -> Any:
        api.commit = commit
        await commit(*args, **kwargs)
        await name.set({"owner": "second"})
        raise ServiceUnavailable("gone")

    api.commit = commit_and_reuse
    assert await database.transaction(delete) == "deleted"
    assert await stored(name) == {"owner": "second"}


async def test_a_document_that_is_set_and_then_deleted_is_deleted(
    database: Database, reference: AsyncDocumentReference
) -> None:
    """The last change of a document counts, also when a transaction looks for its earlier commit."""
    await reference.set({"x": 1})

    async def change_and_delete(transaction: Transaction) -> str:
        assert await transaction.get(reference) is not None
        transaction.set(reference, {"x": 2})
        transaction.delete(reference)
        return "deleted"

    lose_responses(database, ServiceUnavailable("gone"))
    assert await database.transaction(change_and_delete) == "deleted"
    assert not (await reference.get()).exists

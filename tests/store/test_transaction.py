"""Optimistic transactions, tested in the real Firestore emulator."""

from typing import Any

import pytest
from google.api_core.exceptions import Aborted, DeadlineExceeded, ServiceUnavailable
from google.cloud.firestore import AsyncDocumentReference

from shared.settings import Settings
from shared.store import Database, Transaction
from shared.store.documents import COMMITS
from shared.store.transaction import MAX_COMMITS, read
from tests.database_faults import lose_responses


async def stored(reference: AsyncDocumentReference) -> dict[str, Any] | None:
    """Reads the document, without the ids of its commits."""
    return await read(reference, None)


async def test_a_read_is_repeatable(database: Database, reference: AsyncDocumentReference) -> None:
    """A second read returns the same as the first. If the document changes in between, the whole body runs again."""
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
    """Fields that the new document lacks are removed, maps are replaced, and only the last of several sets counts."""
    await reference.set({"old": 1, "map": {"a": 1, "b": 2}})

    async def replace(transaction: Transaction) -> None:
        await transaction.get(reference)
        transaction.set(reference, {"map": {}})
        transaction.set(reference, {"map": {"c": 3}})

    await database.transaction(replace)
    assert await stored(reference) == {"map": {"c": 3}}


async def test_a_new_document_can_be_set_twice(database: Database, reference: AsyncDocumentReference) -> None:
    """If a new document is set twice in one transaction, only the second set takes effect."""

    async def create(transaction: Transaction) -> None:
        assert await transaction.get(reference) is None
        transaction.set(reference, {"x": 1})
        transaction.set(reference, {"x": 2})

    await database.transaction(create)
    assert await stored(reference) == {"x": 2}


async def test_a_document_that_was_not_read_cannot_be_set(
    database: Database, reference: AsyncDocumentReference
) -> None:
    """A document cannot be set before it is read, as this might overwrite changes."""

    async def overwrite(transaction: Transaction) -> None:
        transaction.set(reference, {"x": 1})

    with pytest.raises(KeyError):
        await database.transaction(overwrite)


@pytest.mark.parametrize("name", ["a.b", "a b", "", "`"])
async def test_field_names_that_are_paths_are_refused(
    database: Database, reference: AsyncDocumentReference, name: str
) -> None:
    """Field names that Firestore would parse as paths of nested fields are refused."""

    async def set_field(transaction: Transaction) -> None:
        await transaction.get(reference)
        transaction.set(reference, {name: 1})

    with pytest.raises(ValueError, match="identifiers"):
        await database.transaction(set_field)


async def test_a_malformed_request_is_not_an_outage(database: Database) -> None:
    """A request that Firestore rejects as malformed is a bug of the service, and is not reported as an outage."""
    from google.api_core.exceptions import InvalidArgument

    async def malformed(transaction: Transaction) -> Any:
        return await transaction.get(database._client.collection("__reserved__").document("x"))  # pyright: ignore[reportPrivateUsage]

    with pytest.raises(InvalidArgument):
        await database.transaction(malformed)


async def test_a_deletion_is_repeated_if_the_document_has_changed(
    settings: Settings, database: Database, reference: AsyncDocumentReference
) -> None:
    """Only the version that was read is deleted. If the document has changed since, the body runs again."""
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


@pytest.mark.parametrize("exists", [True, False])
async def test_an_erasure_deletes_any_version(
    database: Database, reference: AsyncDocumentReference, exists: bool
) -> None:
    """A document is erased although it has changed, or does not exist. The body runs once."""
    runs = 0

    async def erase(transaction: Transaction) -> None:
        nonlocal runs
        runs += 1
        await transaction.get(reference)
        if exists:
            await reference.set({"x": 1})
        transaction.erase(reference)

    await database.transaction(erase)
    assert (runs, await stored(reference)) == (1, None)


async def test_an_erasure_is_repeated_if_its_commit_is_unknown(
    database: Database, reference: AsyncDocumentReference
) -> None:
    """A transaction that only erases runs again if the response to its commit was lost. That changes nothing."""
    await reference.set({"x": 1})

    async def erase(transaction: Transaction) -> str:
        transaction.erase(reference)
        return "erased"

    lose_responses(database, ServiceUnavailable("gone"))
    assert await database.transaction(erase) == "erased"
    assert await stored(reference) is None


async def test_a_callback_on_commit_is_called_once(database: Database, reference: AsyncDocumentReference) -> None:
    """Only the callback of the run that was committed is called, not that of an overtaken run."""
    called: list[int] = []
    runs = 0

    async def write(transaction: Transaction) -> None:
        nonlocal runs
        runs += 1
        run = runs
        await transaction.get(reference)
        if run == 1:
            await reference.set({"x": 100})
        transaction.set(reference, {"x": run})
        transaction.on_commit(lambda: called.append(run))

    await database.transaction(write)
    assert (runs, called) == (2, [2])


async def test_a_callback_on_commit_is_not_called_after_a_failure(database: Database) -> None:
    """A transaction whose body raises an error is not committed, and its callbacks are not called."""
    called: list[str] = []

    async def fail(transaction: Transaction) -> None:
        transaction.on_commit(lambda: called.append("done"))
        raise LookupError

    with pytest.raises(LookupError):
        await database.transaction(fail)
    assert called == []


@pytest.mark.parametrize("error", [DeadlineExceeded("late"), ServiceUnavailable("gone"), Aborted("repeated")])
async def test_a_commit_that_took_effect_is_recognized(
    database: Database, reference: AsyncDocumentReference, error: Exception
) -> None:
    """If only the response to a commit is lost, the body does not run again, and its result is returned."""
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
    """A commit is recognized at the retry if fewer than `MAX_COMMITS` later commits wrote the same document."""
    runs: list[int] = []

    async def add_one(transaction: Transaction) -> None:
        document = await transaction.get(reference) or {"x": 0}
        transaction.set(reference, {"x": document["x"] + 1})

    async def add_one_first(transaction: Transaction) -> None:
        runs.append(1)
        await add_one(transaction)

    lose_responses(database, ServiceUnavailable("gone"))
    commit = database._client._firestore_api.commit  # pyright: ignore[reportPrivateUsage]

    async def commit_before_others(*args: Any, **kwargs: Any) -> Any:
        try:
            return await commit(*args, **kwargs)
        except ServiceUnavailable:
            for _ in range(MAX_COMMITS - 1):
                await database.transaction(add_one)
            raise

    database._client._firestore_api.commit = commit_before_others  # pyright: ignore[reportPrivateUsage]
    await database.transaction(add_one_first)
    assert runs == [1]
    assert await stored(reference) == {"x": MAX_COMMITS}


async def test_a_document_stores_a_limited_number_of_ids(database: Database, reference: AsyncDocumentReference) -> None:
    """The number of commit ids in a document is limited, and reading the document does not return them."""

    async def write(transaction: Transaction) -> None:
        assert COMMITS not in (await transaction.get(reference) or {})
        transaction.set(reference, {"x": 1})

    for _ in range(MAX_COMMITS + 3):
        await database.transaction(write)
    document = (await reference.get()).to_dict() or {}
    commits = document[COMMITS].split()
    assert len(commits) == len(set(commits)) == MAX_COMMITS


async def test_a_deletion_that_took_effect_is_recognized(database: Database, reference: AsyncDocumentReference) -> None:
    """A transaction that only deletes is not run again after its commit. It would not find the document."""
    await reference.set({"x": 1})

    async def delete(transaction: Transaction) -> str:
        assert await transaction.get(reference) is not None
        transaction.delete(reference)
        return "deleted"

    lose_responses(database, ServiceUnavailable("gone"))
    assert await database.transaction(delete) == "deleted"
    assert not (await reference.get()).exists


async def test_a_deletion_by_another_request_is_not_mistaken_for_a_commit(
    database: Database, reference: AsyncDocumentReference
) -> None:
    """A transaction that also writes recognizes its commit only by what it wrote.

    Here, another request deletes the hold, so the transaction runs again and finds that it is settled.
    """
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
    """A commit deleted two documents, and another owner created one of them again before the retry."""
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
    """The last change to a document counts, even when a transaction looks for its earlier commit."""
    await reference.set({"x": 1})

    async def change_and_delete(transaction: Transaction) -> str:
        assert await transaction.get(reference) is not None
        transaction.set(reference, {"x": 2})
        transaction.delete(reference)
        return "deleted"

    lose_responses(database, ServiceUnavailable("gone"))
    assert await database.transaction(change_and_delete) == "deleted"
    assert not (await reference.get()).exists

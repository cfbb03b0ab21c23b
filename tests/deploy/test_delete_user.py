"""`deploy.delete_user` deletes a user's data and keeps the data of other users."""

import pytest

from deploy.delete_user import BATCH_SIZE, main
from shared.models.account import Account
from shared.models.usage import Entry
from shared.store import Database, Transaction
from tests.rules.stored import NOW, list_document_paths, store_documents_of


@pytest.fixture
async def paths(database: Database, project: str) -> set[str]:
    """The paths of all documents of two users, with at least one in every collection."""
    for uid in ("ada", "bob"):
        await store_documents_of(database, uid)
    return set(await list_document_paths(project))


async def test_nothing_is_deleted_without_yes(
    paths: set[str], project: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without `--yes`, the command only prints the number of documents in each collection."""
    assert main(["--project", project, "ada"]) == 0
    assert set(await list_document_paths(project)) == paths
    counted = dict(line.split() for line in capsys.readouterr().out.splitlines() if line.startswith("  "))
    assert set(counted.values()) == {"1"}
    assert len(counted) == 20


async def test_only_the_users_data_is_deleted(paths: set[str], project: str, database: Database) -> None:
    """The command keeps other users' data, the audit trail, and rate limits, which expire and identify no user."""
    before = {path for path in paths if "audit/" in path or "rateLimits/" in path}
    assert main(["--project", project, "ada", "--yes"]) == 0
    remaining = set(await list_document_paths(project))
    assert remaining == {path for path in paths if "bob" in path.split("/", 2)[1] or path in before}
    assert len(remaining) == len(paths) - 20
    assert await database.accounts.get("bob") is not None


async def test_many_documents_are_deleted(project: str, database: Database) -> None:
    """The command deletes more documents than fit into one batch, and can be run again."""
    account = Account(uid="ada", allowance=1, remaining=1, created_at=NOW, updated_at=NOW)

    async def write(transaction: Transaction) -> None:
        await database.accounts.get("ada", transaction)
        database.accounts.put(account, transaction)
        for number in range(BATCH_SIZE + 5):
            cause = f"cause-{number}"
            await database.accounts.has_entry("ada", cause, transaction)
            entry = Entry(cause=cause, period=1, timestamp=NOW, cost=1, charged=1)
            database.accounts.add_entry("ada", entry, transaction)

    await database.transaction(write)
    for _ in range(2):
        assert main(["--project", project, "ada", "--yes"]) == 0
        assert not await list_document_paths(project)


@pytest.mark.parametrize("uid", ["", "ada/usage/cause"])
def test_an_invalid_user_id_is_refused(uid: str, project: str, firestore_host: str) -> None:
    """The command refuses an empty id and an id with a slash, which would refer to other documents."""
    assert main(["--project", project, uid, "--yes"]) == 1

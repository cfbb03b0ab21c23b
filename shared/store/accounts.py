"""Accounts: `users/{uid}`, which the user may read. Usage entries: `users/{uid}/usage/{cause}`, one for each cause."""

from typing import Any

from google.cloud.firestore import AsyncClient, AsyncDocumentReference, Query
from google.cloud.firestore_v1.base_query import FieldFilter
from pydantic import TypeAdapter

from shared.models.account import Account
from shared.models.money import to_dollars
from shared.models.usage import Entry
from shared.models.user import UsageEntry
from shared.models.wire import JsonObject, is_plain_id
from shared.store.transaction import Transaction, read

_json = TypeAdapter[JsonObject](JsonObject)


class AccountStore:
    """Reads and writes accounts and their entries. `uid` must be a plain document id, like Firebase's uids."""

    def __init__(self, client: AsyncClient) -> None:
        self._client = client

    def _account(self, uid: str) -> AsyncDocumentReference:
        return self._client.collection("users").document(uid)

    def _entry(self, uid: str, cause: str) -> AsyncDocumentReference:
        return self._account(uid).collection("usage").document(cause)

    async def get(self, uid: str, transaction: Transaction | None = None) -> Account | None:
        """Returns the account. One read; none if `uid` is not a valid id."""
        if not is_plain_id(uid):
            return None
        document = await read(self._account(uid), transaction)
        return None if document is None else Account(uid=uid, **document)

    def put(self, account: Account, transaction: Transaction) -> Account:
        """Writes the next revision of an account that the transaction has read, and returns it."""
        written = account.model_copy(update={"rev": account.rev + 1})
        transaction.set(self._account(account.uid), written.model_dump(exclude={"uid"}))
        return written

    async def page(self, limit: int, after: str | None) -> list[Account]:
        """Lists the accounts after `after`, sorted by uid. One read per account."""
        query = self._client.collection("users").order_by("__name__").limit(limit)
        if after is not None:
            query = query.start_after({"__name__": self._account(after)})
        return [Account(uid=snapshot.id, **(snapshot.to_dict() or {})) for snapshot in await query.get()]

    async def has_entry(self, uid: str, cause: str, transaction: Transaction) -> bool:
        """Returns whether `cause` has been charged. One read."""
        return await transaction.get(self._entry(uid, cause)) is not None

    async def entry(self, uid: str, cause: str, transaction: Transaction) -> Entry | None:
        """Returns the entry for `cause`, None if it has not been charged. One read."""
        document = await transaction.get(self._entry(uid, cause))
        if document is None:
            return None
        fields: dict[str, Any] = {**document, "metadata": _json.validate_json(document["metadata"])}
        return Entry(cause=cause, **fields)

    def add_entry(self, uid: str, entry: Entry, transaction: Transaction) -> None:
        """Writes a new entry, which the transaction must have read and not found."""
        document = entry.model_dump(exclude={"cause", "metadata"})
        transaction.set(
            self._entry(uid, entry.cause), {**document, "metadata": _json.dump_json(entry.metadata).decode()}
        )

    async def newest_entries(self, uid: str, period: int, limit: int) -> list[UsageEntry]:
        """Lists a period's newest entries, newest first. One read per entry."""
        query = (
            self._account(uid)
            .collection("usage")
            .where(filter=FieldFilter("period", "==", period))
            .order_by("timestamp", direction=Query.DESCENDING)
            .limit(limit)
        )
        return [_to_usage_entry(snapshot.to_dict() or {}) for snapshot in await query.get()]


def _to_usage_entry(document: dict[str, Any]) -> UsageEntry:
    """Returns the entry as the user sees it. If less than the cost was charged, the metadata contains the charge."""
    metadata = _json.validate_json(document["metadata"])
    if document["charged"] != document["cost"]:
        metadata = {**metadata, "charged": to_dollars(document["charged"])}
    dollars = document.get("dollars")
    cost = to_dollars(document["cost"]) if dollars is None else dollars
    return UsageEntry(timestamp=document["timestamp"], response_cost=cost, metadata=metadata)

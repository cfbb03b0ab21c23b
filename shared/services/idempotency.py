"""Requests that may be repeated. An `Idempotency-Key`, with the caller and the target, names a request for 24 hours.

The result of such a request is recorded in the transaction that creates it. The services decide how to respond to a
repeated request.
"""

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from shared.models.errors import Conflict
from shared.models.idempotency import RETENTION, KeyedRequest, StoredRequest
from shared.store import Database, Transaction


def make_keyed_request(target: str, caller: str, owner: str, key: str, body: Any) -> KeyedRequest:
    """Returns the request that `caller` sends to `target` with `key`. `owner`: the user who owns the stored record.

    Bodies count as equal if they differ only in the order of fields or in formatting.
    """
    name = _hash([target, caller, key])
    return KeyedRequest(name, owner, _hash([name, body]))


@dataclass(frozen=True)
class Idempotency:
    """Finds, stores and deletes the records of requests with a key."""

    database: Database

    async def find(
        self, request: KeyedRequest, now: datetime, transaction: Transaction | None = None
    ) -> StoredRequest | None:
        """Returns the stored request, None if it is new. One read.

        Raises `Conflict` for another body with the same key.
        """
        stored = await self.database.idempotency.get(request.id, transaction)
        if stored is None or stored.expire_at <= now:
            return None
        if stored.body_hash != request.body_hash:
            raise Conflict(
                "This Idempotency-Key was used with another body within the last 24 hours. "
                "Send the same body again, or another key."
            )
        return stored

    def remember(
        self,
        request: KeyedRequest,
        made: str,
        now: datetime,
        transaction: Transaction,
        lease_expires_at: datetime | None = None,
    ) -> None:
        """Stores a new request, which the transaction must have read and not found. One write.

        `made`: the id of the ticket or run that the request creates.
        """
        stored = StoredRequest(
            id=request.id,
            owner=request.owner,
            body_hash=request.body_hash,
            made=made,
            lease_expires_at=lease_expires_at,
            expire_at=now + RETENTION,
        )
        self.database.idempotency.put(stored, transaction)

    def mark_given(self, stored: StoredRequest, transaction: Transaction) -> None:
        """Records that a repeated request got the first one's result, which must then no longer be withdrawn."""
        if not stored.given:
            self.database.idempotency.put(stored.model_copy(update={"given": True}), transaction)

    async def invalidate(self, request: KeyedRequest, made: str, now: datetime, transaction: Transaction) -> None:
        """Makes the record of a request whose `made` was never created ineffective, even if it is committed later.

        Writes a record that has already expired, unless another request has the key. One read, one write.
        """
        stored = await self.database.idempotency.get(request.id, transaction)
        if stored is None or stored.made == made or stored.expire_at <= now:
            expired = StoredRequest(
                id=request.id, owner=request.owner, body_hash=request.body_hash, made=made, expire_at=now
            )
            self.database.idempotency.put(expired, transaction)

    async def forget(self, request: KeyedRequest, made: str, transaction: Transaction) -> bool:
        """Deletes the record of a request whose `made` was not created. One read, one write.

        Returns False, and deletes nothing, if a repeated request has already received `made`.
        """
        stored = await self.database.idempotency.get(request.id, transaction)
        if stored is None or stored.made != made:
            return True
        if stored.given:
            return False
        self.database.idempotency.remove(stored, transaction)
        return True


def _hash(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True, separators=(",", ":")).encode()).hexdigest()

"""Requests that may be sent twice. An `Idempotency-Key`, with the caller and the target, names a request for 24 hours.

The result of such a request is recorded in the transaction that creates it. The services decide how they answer a
request that is sent again.
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
    """Returns the request that `caller` sends to `target` under `key`. `owner`: the user whose data it is.

    Bodies count as equal if they differ only in the order of fields or in formatting.
    """
    name = _hash([target, caller, key])
    return KeyedRequest(name, owner, _hash([name, body]))


@dataclass(frozen=True)
class Idempotency:
    """Remembers requests."""

    database: Database

    async def find(
        self, request: KeyedRequest, now: datetime, transaction: Transaction | None = None
    ) -> StoredRequest | None:
        """Returns what is stored for the request; None if it is new. One read.

        Raises `Conflict` for another body under the same key.
        """
        found = await self.database.idempotency.get(request.id, transaction)
        if found is None or found.expire_at <= now:
            return None
        if found.body_hash != request.body_hash:
            raise Conflict(
                "This Idempotency-Key was used with another body within the last 24 hours. "
                "Send the same body again, or another key."
            )
        return found

    def remember(
        self,
        request: KeyedRequest,
        made: str,
        now: datetime,
        transaction: Transaction,
        lease_expires_at: datetime | None = None,
    ) -> None:
        """Stores a request that the transaction has not found. `made`: the id of what it creates. One write."""
        kept = StoredRequest(
            id=request.id,
            owner=request.owner,
            body_hash=request.body_hash,
            made=made,
            lease_expires_at=lease_expires_at,
            expire_at=now + RETENTION,
        )
        self.database.idempotency.put(kept, transaction)

    def mark_given(self, kept: StoredRequest, transaction: Transaction) -> None:
        """Records that a second request got what the first one made, which must then no longer be withdrawn."""
        if not kept.given:
            self.database.idempotency.put(kept.model_copy(update={"given": True}), transaction)

    async def invalidate(self, request: KeyedRequest, made: str, now: datetime, transaction: Transaction) -> None:
        """Forgets a request whose `made` was never created, even if a commit that stores it arrives later.

        Writes an entry that has already expired, unless another request has the key. One read, one write.
        """
        found = await self.database.idempotency.get(request.id, transaction)
        if found is None or found.made == made or found.expire_at <= now:
            expired = StoredRequest(
                id=request.id, owner=request.owner, body_hash=request.body_hash, made=made, expire_at=now
            )
            self.database.idempotency.put(expired, transaction)

    async def forget(self, request: KeyedRequest, made: str, transaction: Transaction) -> bool:
        """Forgets a request whose `made` was not created. False if a second request got it. One read, one write."""
        found = await self.database.idempotency.get(request.id, transaction)
        if found is None or found.made != made:
            return True
        if found.given:
            return False
        self.database.idempotency.remove(found, transaction)
        return True


def _hash(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True, separators=(",", ":")).encode()).hexdigest()

"""Sessions: `users/{uid}/sessions/{hash of the id}`. Each user has a separate set of ids, which may be any strings."""

import contextlib
import hashlib
from datetime import datetime

from google.api_core.exceptions import NotFound
from google.cloud.firestore import AsyncClient, AsyncDocumentReference

from shared.models.session import ProviderConfig, Session
from shared.store.counts import count_up_to
from shared.store.transaction import Transaction, read


class SessionStore:
    """Reads and writes sessions. Firestore's TTL on `expire_at` deletes unused sessions."""

    def __init__(self, client: AsyncClient) -> None:
        self._client = client

    def _session(self, uid: str, session_id: str) -> AsyncDocumentReference:
        hashed = hashlib.sha256(session_id.encode()).hexdigest()
        return self._client.collection("users").document(uid).collection("sessions").document(hashed)

    async def get(self, uid: str, session_id: str, transaction: Transaction | None = None) -> Session | None:
        """Returns the session. One read."""
        document = await read(self._session(uid, session_id), transaction)
        if document is None:
            return None
        config = ProviderConfig.model_validate_json(document["config"])
        return Session(session_id=session_id, config=config, expire_at=document["expire_at"])

    def put(self, uid: str, session: Session, transaction: Transaction) -> None:
        """Writes a session. The transaction must have read its document before. One write."""
        document = {
            "session_id": session.session_id,
            "config": session.config.model_dump_json(),
            "expire_at": session.expire_at,
        }
        transaction.set(self._session(uid, session.session_id), document)

    async def count(self, uid: str, limit: int) -> int:
        """Counts the user's sessions up to `limit`, including expired sessions that are not deleted yet. One read."""
        return await count_up_to(self._client.collection("users").document(uid).collection("sessions"), limit)

    async def prolong(self, uid: str, session_id: str, expire_at: datetime) -> None:
        """Extends a session to `expire_at`. One write. Does nothing if the session has been deleted."""
        with contextlib.suppress(NotFound):
            await self._session(uid, session_id).update({"expire_at": expire_at})

    async def delete(self, uid: str, session_id: str, transaction: Transaction) -> bool:
        """Deletes a session, and returns whether it existed. One read."""
        reference = self._session(uid, session_id)
        if await transaction.get(reference) is None:
            return False
        transaction.delete(reference)
        return True

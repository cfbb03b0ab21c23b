"""Quotas: how much one user may keep here, so that nobody fills the database or the lists of others.

What is kept is counted by Firestore itself, one read for a thousand documents. Creations at the same moment do not see
each other, so a quota may be passed by as many as there are of them.
"""

from dataclasses import dataclass
from typing import Any

from shared.models.errors import TooLarge, TooManyRequests
from shared.models.owned import Stored
from shared.settings import Settings
from shared.store import Database
from shared.store.owned import OwnedStore


@dataclass(frozen=True)
class QuotaService:
    """Lives as long as a request."""

    database: Database
    settings: Settings

    async def refuse_another(self, store: OwnedStore[Any], uid: str) -> None:
        """Raises `TooLarge` when the user has as many of these, or as many bytes of them, as anybody may keep.

        One aggregation.
        """
        async with self.database.outages_told():
            count, size = await store.usage(uid)
        most = {"agents": self.settings.max_agents, "demos": self.settings.max_demos}[store.name]
        if count >= most:
            raise TooLarge(
                f"You have {count} {store.name}, and no user may keep more. Delete those that you do not need."
            )
        if size >= self.settings.max_stored_bytes:
            raise self._too_many_bytes(store.name, size)

    async def bytes_left(self, store: OwnedStore[Any], uid: str) -> int:
        """How much what the user has may grow; below zero if it is too much already. One aggregation."""
        async with self.database.outages_told():
            _, size = await store.usage(uid)
        return self.settings.max_stored_bytes - size

    def refuse_growth(self, store: OwnedStore[Any], before: Stored[Any], after: Stored[Any], left: int) -> None:
        """Raises `TooLarge` for a change that makes something longer by more bytes than are `left`."""
        if _length(after) - _length(before) > max(0, left):
            raise self._too_many_bytes(store.name, self.settings.max_stored_bytes - left)

    def _too_many_bytes(self, what: str, size: int) -> TooLarge:
        return TooLarge(
            f"Your {what} take up {size} bytes, and no user may keep more than {self.settings.max_stored_bytes} of "
            "them. Shorten them, or delete those that you do not need."
        )

    async def refuse_session(self, uid: str, session_id: str) -> None:
        """Raises `TooLarge` when the user has as many sessions as anybody may keep, and this one would be another.

        One aggregation; then one read.
        """
        async with self.database.outages_told():
            count = await self.database.sessions.count(uid, self.settings.max_sessions)
            if count < self.settings.max_sessions or await self.database.sessions.get(uid, session_id):
                return
        raise TooLarge(
            f"You have {count} sessions, and no user may keep more. Delete those that you do not need; one that is not "
            "used for 30 days goes by itself."
        )

    async def waiting_chats(self, uid: str) -> int:
        """How many chats of the user are not finished; one more than the most at most. One aggregation."""
        return await self.database.tickets.unfinished(uid, self.settings.max_waiting_chats + 1)

    def refuse_waiting(self, count: int) -> None:
        """Raises `TooManyRequests` when so many chats are not finished that no other is accepted."""
        if count >= self.settings.max_waiting_chats:
            raise TooManyRequests(
                f"{self.settings.max_waiting_chats} of your chats are not finished, and no more are accepted. "
                "Try again when some of them are.",
                retry_after=30,
            )


def _length(thing: Stored[Any]) -> int:
    """Bytes, as it is kept."""
    return len(thing.fields.model_dump_json().encode())

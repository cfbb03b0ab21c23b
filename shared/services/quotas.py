"""Quotas limit how much one user may store, so that no user can fill the database or other users' lists.

Firestore itself counts the stored documents, at one read per thousand, before a transaction adds to them. All
transactions that add to one user's data write the same document. If several run concurrently, only one is committed;
the others run again and count what it added. Unfinished chats are counted in their owner's account, because it is
written for each of them anyway.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from shared import clock
from shared.bounded_dict import BoundedDict
from shared.models.account import Account
from shared.models.errors import TooLarge, TooManyChats
from shared.models.owned import StoredResource
from shared.per_loop import per_loop
from shared.settings import Settings
from shared.store import Database, Transaction
from shared.store.owned import OwnedStore

_RECOUNT_SECONDS = 1.0
_Count = Callable[[str, int], Awaitable[int]]
"""Counts a user's resources, up to a limit."""


@per_loop
def _counted_at(project: str) -> BoundedDict[str, float]:
    """When this process last counted the unfinished chats, by user, in epoch seconds."""
    del project  # the key
    return BoundedDict()


@dataclass(frozen=True)
class QuotaService:
    """Counts what users store, and refuses to exceed the limits."""

    database: Database
    settings: Settings

    async def refuse_another(self, store: OwnedStore[Any], uid: str, transaction: Transaction) -> None:
        """Raises `TooLarge` if the user has reached the limit for the number or the total size of these resources.

        One read, then one aggregation; one write.
        """
        count, size = await self._count(store, uid, transaction)
        limit = {"agents": self.settings.max_agents, "demos": self.settings.max_demos}[store.name]
        if count >= limit:
            raise TooLarge(
                f"You have {count} {store.name}, and no user may have more. Delete those that you do not need."
            )
        if size >= self.settings.max_stored_bytes:
            raise self._too_many_bytes_error(store.name, size)

    async def refuse_growth(
        self, store: OwnedStore[Any], before: StoredResource[Any], after: StoredResource[Any], transaction: Transaction
    ) -> None:
        """Raises `TooLarge` for a change with which its owner would exceed the limit for the total size.

        One read, one aggregation and one write, or none of them if the change adds no bytes.
        """
        growth = _count_bytes(after) - _count_bytes(before)
        if growth <= 0:
            return
        _, size = await self._count(store, before.owner, transaction)
        if size + growth > self.settings.max_stored_bytes:
            raise self._too_many_bytes_error(store.name, size)

    async def _count(self, store: OwnedStore[Any], uid: str, transaction: Transaction) -> tuple[int, int]:
        """Returns the number of the user's resources in `store`, and their total size in bytes."""
        await self._take_turn(store.name, uid, transaction)
        return await store.usage(uid)

    def _too_many_bytes_error(self, what: str, size: int) -> TooLarge:
        return TooLarge(
            f"Your {what} take up {size} bytes, and no user may store more than {self.settings.max_stored_bytes} bytes "
            "of them. Shorten them, or delete those that you do not need."
        )

    async def refuse_another_session(self, uid: str, transaction: Transaction) -> None:
        """Raises `TooLarge` if the user has the maximum number of sessions. See `_refuse_another`."""
        limit, hint = self.settings.max_sessions, "Sessions that are not used for 30 days are deleted automatically."
        await self._refuse_another("sessions", self.database.sessions.count, limit, uid, transaction, hint)

    async def refuse_another_schedule(self, uid: str, transaction: Transaction) -> None:
        """Raises `TooLarge` if the user has the maximum number of schedules. See `_refuse_another`."""
        limit = self.settings.max_schedules
        await self._refuse_another("schedules", self.database.schedules.count, limit, uid, transaction)

    async def refuse_another_webhook(self, uid: str, transaction: Transaction) -> None:
        """Raises `TooLarge` if the user has the maximum number of webhooks. See `_refuse_another`."""
        limit = self.settings.max_webhooks
        await self._refuse_another("webhooks", self.database.webhooks.count, limit, uid, transaction)

    async def refuse_another_api_key(self, uid: str, transaction: Transaction) -> None:
        """Raises `TooLarge` if the user has the maximum number of API keys. See `_refuse_another`."""
        limit = self.settings.max_api_keys
        await self._refuse_another("API keys", self.database.api_keys.count, limit, uid, transaction)

    async def _refuse_another(
        self, what: str, count: _Count, limit: int, uid: str, transaction: Transaction, hint: str = ""
    ) -> None:
        """Raises `TooLarge` if the user has `limit` of these resources. One read, then one aggregation; one write."""
        await self._take_turn(what, uid, transaction)
        if (stored := await count(uid, limit)) >= limit:
            message = f"You have {stored} {what}, and no user may have more. Delete those that you do not need. {hint}"
            raise TooLarge(message.rstrip())

    async def _take_turn(self, what: str, uid: str, transaction: Transaction) -> None:
        """Prevents concurrent transactions that add something from committing too. Must be called before counting."""
        key = f"quota:{what}:{uid}"
        await self.database.rate_limits.get(key, transaction)
        self.database.rate_limits.put(key, clock.time(), transaction)

    def refuse_another_chat(self, account: Account, *, is_public: bool = False) -> None:
        """Raises `TooManyChats` if the user has the maximum number of unfinished chats, as the account counts them.

        `is_public`: whether somebody else calls the user's published agent. The second half of the maximum is left to
        the user.
        """
        if is_public and account.unfinished >= -(-self.settings.max_waiting_chats // 2):
            raise TooManyChats(
                "This agent's owner has too many unfinished runs and chats. Try again when some of them have finished.",
                retry_after=30,
            )
        if account.unfinished >= self.settings.max_waiting_chats:
            raise TooManyChats(
                f"{self.settings.max_waiting_chats} of your chats are not finished, so no more are accepted. "
                "Try again when some of them have finished.",
                retry_after=30,
            )

    async def recount_chats(self, uid: str) -> None:
        """Corrects the account's count of unfinished chats, in case tickets were deleted or stored by other means.

        One transaction with a read, an aggregation, and a write if the count was wrong; nothing if this process has
        counted the same user's chats in the last second.
        """
        counted = _counted_at(self.database.project)
        if clock.time() - counted.get(uid, 0.0) < _RECOUNT_SECONDS:
            return
        counted[uid] = clock.time()

        async def recount(transaction: Transaction) -> None:
            account = await self.database.accounts.get(uid, transaction)
            # Counted after the account was read: if another chat begins or ends meanwhile, the commit is refused.
            count = await self.database.tickets.count_unfinished(uid, self.settings.max_waiting_chats)
            if account is not None and account.unfinished != count < self.settings.max_waiting_chats:
                self.database.accounts.put(account.change(clock.now(), unfinished=count), transaction)

        await self.database.transaction(recount)


def _count_bytes(resource: StoredResource[Any]) -> int:
    """Returns the stored size of a resource."""
    return len(resource.fields.model_dump_json().encode())

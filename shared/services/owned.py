"""What agents and demos have in common: a user saves, changes and deletes them, and may share them with others.

Who may see and change one is `access`'s to decide, how many a user may keep `quotas`'.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar
from uuid import uuid4

from pydantic import BaseModel

from shared import clock
from shared.models.caller import Caller
from shared.models.errors import Conflict
from shared.models.owned import StoredResource
from shared.services.access import is_admin, refuse_unless_owner, require_visible
from shared.services.pagination import Page, read_moment_token, write_moment_token
from shared.services.quotas import QuotaService
from shared.store import Database, Transaction
from shared.store.owned import OwnedStore

T = TypeVar("T", bound=StoredResource[Any])
Step = Callable[[T, Transaction], Awaitable[None]]
"""What a transaction does beside writing the thing itself."""


@dataclass(frozen=True)
class OwnedService(Generic[T]):
    """Keeps one kind of them in `store`. Without `quotas`, a user may keep any number."""

    database: Database
    store: OwnedStore[T]
    quotas: QuotaService | None

    @property
    def _what(self) -> str:
        return self.store.name.removesuffix("s")

    async def create(self, caller: Caller, fields: BaseModel) -> T:
        """Saves `fields` as a new thing of the caller's. One transaction. Raises `TooLarge`."""
        id_ = str(uuid4())

        async def write(transaction: Transaction) -> T:
            await self.store.get(id_, transaction)
            if self.quotas:
                await self.quotas.refuse_another(self.store, caller.uid, transaction)
            now = clock.now()
            thing = self.store.kind(
                id=id_, owner=caller.uid, fields=fields, rev=uuid4().hex, created_at=now, updated_at=now
            )
            self.store.put(thing, transaction)
            return thing

        return await self.database.transaction(write, serialize_on=f"{self.store.name}:{caller.uid}")

    async def get(self, caller: Caller, id_: str) -> T:
        """One read. Raises `NotFound`, also for one of another user that is not shared."""
        async with self.database.raising_unavailable():
            thing = await self.store.get(id_)
        return require_visible(caller, thing, self._what)

    async def page(self, caller: Caller, limit: int, token: str | None) -> Page[T]:
        """The caller's own and shared ones, or all for an administrator, the newest change first.

        One query. Large ones make a page of fewer than `limit`. Raises `BadRequest` for an invalid `token`.
        """
        after = None if token is None else read_moment_token(token)
        async with self.database.raising_unavailable():
            found, more = await self.store.page(caller.uid, limit, after, all_owners=is_admin(caller))
        last = found[-1] if more else None
        return Page(found, write_moment_token(last.updated_at, last.id) if last else None)

    async def change(
        self, caller: Caller, id_: str, rev: str | None, change: Callable[[T], T], then: Step[T] | None = None
    ) -> T:
        """Writes what `change` makes of it, with a new `rev` and time, and does `then`. One transaction.

        `rev`: the one that the caller has seen; None: whichever. Raises `NotFound`, `Forbidden`, `Conflict` for a
        stale `rev`, `TooLarge`.
        """

        async def write(transaction: Transaction) -> T:
            thing = require_visible(caller, await self.store.get(id_, transaction), self._what)
            refuse_unless_owner(caller, thing, self._what)
            if rev is not None and rev != thing.rev:
                raise Conflict(
                    f"The {self._what} has changed meanwhile. Read it again, and repeat the change with its new _rev."
                )
            changed = change(thing).model_copy(update={"rev": uuid4().hex, "updated_at": clock.now()})
            if self.quotas:
                await self.quotas.refuse_growth(self.store, thing, changed, transaction)
            self.store.put(changed, transaction)
            if then:
                await then(changed, transaction)
            return changed

        return await self.database.transaction(write, serialize_on=f"{self._what}:{id_}")

    async def delete(self, caller: Caller, id_: str, first: Step[T] | None = None) -> None:
        """Does `first`, and deletes it. One transaction. Raises `NotFound`, `Forbidden`."""

        async def write(transaction: Transaction) -> None:
            thing = require_visible(caller, await self.store.get(id_, transaction), self._what)
            refuse_unless_owner(caller, thing, self._what)
            if first:
                await first(thing, transaction)
            self.store.remove(thing, transaction)

        await self.database.transaction(write, serialize_on=f"{self._what}:{id_}")

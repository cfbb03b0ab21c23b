"""What agents and demos have in common: users save, change and delete them, and may share them with other users.

`access` decides who may see and change them; `quotas` limits how many a user may store.
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
"""An additional step in the transaction that writes or deletes a resource."""


@dataclass(frozen=True)
class OwnedService(Generic[T]):
    """Manages one kind of resource in `store`. Without `quotas`, a user may store any number."""

    database: Database
    store: OwnedStore[T]
    quotas: QuotaService | None

    @property
    def _what(self) -> str:
        return self.store.name.removesuffix("s")

    async def create(self, caller: Caller, fields: BaseModel) -> T:
        """Saves `fields` as a new resource that the caller owns. One transaction. Raises `TooLarge`."""
        id_ = str(uuid4())

        async def write(transaction: Transaction) -> T:
            await self.store.get(id_, transaction)
            if self.quotas:
                await self.quotas.refuse_another(self.store, caller.uid, transaction)
            now = clock.now()
            resource = self.store.kind(
                id=id_, owner=caller.uid, fields=fields, rev=uuid4().hex, created_at=now, updated_at=now
            )
            self.store.put(resource, transaction)
            return resource

        return await self.database.transaction(write, serialize_on=f"{self.store.name}:{caller.uid}")

    async def get(self, caller: Caller, id_: str) -> T:
        """One read. Raises `NotFound`, even for another user's resource if it is not shared."""
        async with self.database.raising_unavailable():
            resource = await self.store.get(id_)
        return require_visible(caller, resource, self._what)

    async def page(self, caller: Caller, limit: int, token: str | None) -> Page[T]:
        """The caller's own and the shared resources, or all for an administrator, the newest change first.

        One query. Large resources make a page of fewer than `limit`. Raises `BadRequest` for an invalid `token`.
        """
        after = None if token is None else read_moment_token(token)
        async with self.database.raising_unavailable():
            items, more = await self.store.page(caller.uid, limit, after, all_owners=is_admin(caller))
        last = items[-1] if more else None
        return Page(items, write_moment_token(last.updated_at, last.id) if last else None)

    async def change(
        self, caller: Caller, id_: str, rev: str | None, change: Callable[[T], T], then: Step[T] | None = None
    ) -> T:
        """Writes the resource that `change` returns, with a new `rev` and time, and runs `then`. One transaction.

        `rev`: the revision that the caller has seen, None for any. Raises `NotFound`, `Forbidden`, `Conflict` for a
        stale `rev`, `TooLarge`.
        """

        async def write(transaction: Transaction) -> T:
            resource = require_visible(caller, await self.store.get(id_, transaction), self._what)
            refuse_unless_owner(caller, resource, self._what)
            if rev is not None and rev != resource.rev:
                raise Conflict(
                    f"The {self._what} has changed in the meantime. Read it again, and repeat the change with its new "
                    f"_rev."
                )
            changed = change(resource).model_copy(update={"rev": uuid4().hex, "updated_at": clock.now()})
            if self.quotas:
                await self.quotas.refuse_growth(self.store, resource, changed, transaction)
            self.store.put(changed, transaction)
            if then:
                await then(changed, transaction)
            return changed

        return await self.database.transaction(write, serialize_on=f"{self._what}:{id_}")

    async def delete(self, caller: Caller, id_: str, first: Step[T] | None = None) -> None:
        """Runs `first`, and deletes the resource. One transaction. Raises `NotFound`, `Forbidden`."""

        async def write(transaction: Transaction) -> None:
            resource = require_visible(caller, await self.store.get(id_, transaction), self._what)
            refuse_unless_owner(caller, resource, self._what)
            if first:
                await first(resource, transaction)
            self.store.remove(resource, transaction)

        await self.database.transaction(write, serialize_on=f"{self._what}:{id_}")

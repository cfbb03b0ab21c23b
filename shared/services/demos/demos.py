"""Demos: saved, read, replaced and deleted by their owners, read and opened by those they are shared with."""

from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import uuid4

from shared.models.caller import Caller
from shared.models.demo import CreateDemoRequest, Demo, DemoFields, ReplaceDemoRequest, StoredDemo, demo_of
from shared.models.errors import Conflict, NotFound
from shared.services.access import is_admin, refuse_unless_owner, sees
from shared.services.accounts.standing import StandingService
from shared.services.pagination import moment_token, read_moment_token
from shared.services.quotas import QuotaService
from shared.store import Database, Transaction

_UNKNOWN = "There is no such demo."


@dataclass(frozen=True)
class DemoPage:
    """A page of a list. `next_token` leads to the next one, which may be empty; None on one that is not full."""

    demos: list[Demo]
    next_token: str | None


@dataclass(frozen=True)
class DemoService:
    """Lives as long as a request. Without `quotas`, a user may keep any number of demos."""

    database: Database
    quotas: QuotaService | None = None

    async def create(self, caller: Caller, request: CreateDemoRequest) -> Demo:
        """Saves a demo, whatever its code is, and whether its deployments are there. Raises `TooLarge`."""
        demo_id, rev = str(uuid4()), uuid4().hex

        async def write(transaction: Transaction) -> StoredDemo:
            found = await self.database.demos.get(demo_id, transaction)
            if found is not None:  # the transaction's last run was committed without our knowing
                return found
            if self.quotas:
                await self.quotas.refuse_another(self.database.demos, caller.uid, transaction)
            now = datetime.now(UTC)
            fields = DemoFields.model_validate(request.model_dump())
            demo = StoredDemo(id=demo_id, owner=caller.uid, fields=fields, rev=rev, created_at=now, updated_at=now)
            self.database.demos.put(demo, transaction)
            return demo

        return demo_of(await self.database.transaction(write, serialize_on=f"demos:{caller.uid}"))

    async def list(self, caller: Caller, limit: int, token: str | None = None) -> DemoPage:
        """The caller's own and the shared ones, an administrator's all; the newest change first. One query.

        Large demos make a page of fewer than `limit`. Raises `BadRequest` for a `token` that no page gave.
        """
        after = None if token is None else read_moment_token(token)
        async with self.database.raising_unavailable():
            demos, more = await self.database.demos.page(caller.uid, limit, after, all_owners=is_admin(caller))
        last = demos[-1] if more else None
        return DemoPage([demo_of(demo) for demo in demos], moment_token(last.updated_at, last.id) if last else None)

    async def get(self, caller: Caller, demo_id: str) -> Demo:
        """One read. Raises `NotFound`, also for what is somebody else's and not shared."""
        async with self.database.raising_unavailable():
            demo = await self.database.demos.get(demo_id)
        return demo_of(_visible(caller, demo))

    async def opened(self, caller: Caller | None, demo_id: str) -> Demo:
        """For its page: who is nobody (None) sees what is shared, unless its owner is disabled. Raises `NotFound`.

        One read, and now and then another.
        """
        async with self.database.raising_unavailable():
            demo = await self.database.demos.get(demo_id)
        if demo is not None and demo.visibility == "shared":
            seen_by_admin = caller is not None and is_admin(caller)
            if not seen_by_admin and await StandingService(self.database).is_disabled(demo.owner):
                raise NotFound(_UNKNOWN)
            return demo_of(demo)
        if caller is None:
            raise NotFound(_UNKNOWN)
        return demo_of(_visible(caller, demo))

    async def replace(self, caller: Caller, demo_id: str, request: ReplaceDemoRequest) -> Demo:
        """Puts another content in the place of what there was; owner and time of creation stay.

        Raises `NotFound`, `Forbidden`, `Conflict` for a stale `_rev`, `TooLarge`.
        """
        rev = uuid4().hex

        async def write(transaction: Transaction) -> StoredDemo:
            demo = _visible(caller, await self.database.demos.get(demo_id, transaction))
            if demo.rev == rev:  # the transaction's last run was committed without our knowing
                return demo
            refuse_unless_owner(caller, demo, "demo")
            if request.rev is not None and request.rev != demo.rev:
                raise Conflict(
                    "The demo has changed meanwhile. Read it again, and repeat the change with its new _rev."
                )
            fields = request.fields(demo.visibility)
            changed = demo.model_copy(update={"fields": fields, "rev": rev, "updated_at": datetime.now(UTC)})
            if self.quotas:
                await self.quotas.refuse_growth(self.database.demos, demo, changed, transaction)
            self.database.demos.put(changed, transaction)
            return changed

        return demo_of(await self.database.transaction(write, serialize_on=f"demo:{demo_id}"))

    async def delete(self, caller: Caller, demo_id: str) -> None:
        """Deletes it. Raises `NotFound`, `Forbidden`."""
        began = False

        async def write(transaction: Transaction) -> None:
            nonlocal began
            demo = await self.database.demos.get(demo_id, transaction)
            if demo is None and began:  # the transaction's last run was committed without our knowing
                return
            demo = _visible(caller, demo)
            refuse_unless_owner(caller, demo, "demo")
            began = True
            self.database.demos.remove(demo, transaction)

        await self.database.transaction(write, serialize_on=f"demo:{demo_id}")


def _visible(caller: Caller, demo: StoredDemo | None) -> StoredDemo:
    """Raises `NotFound` for what is not there, or must look so."""
    if demo is None or not sees(caller, demo):
        raise NotFound(_UNKNOWN)
    return demo

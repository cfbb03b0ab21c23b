"""Demos: owners save, read, replace and delete their demos; other users can read and open shared demos."""

from dataclasses import dataclass

from shared.models.caller import Caller
from shared.models.demo import CreateDemoRequest, Demo, DemoFields, ReplaceDemoRequest, StoredDemo, to_demo
from shared.models.errors import NotFound
from shared.services.access import is_admin, require_visible
from shared.services.accounts.disabled_users import DisabledUserService
from shared.services.owned import OwnedService
from shared.services.pagination import Page
from shared.services.quotas import QuotaService
from shared.store import Database

_UNKNOWN = "There is no such demo."


@dataclass(frozen=True)
class DemoService:
    """Manages demos. Without `quotas`, a user may store any number."""

    database: Database
    quotas: QuotaService | None = None

    @property
    def _owned(self) -> OwnedService[StoredDemo]:
        return OwnedService(self.database, self.database.demos, self.quotas)

    async def create(self, caller: Caller, request: CreateDemoRequest) -> Demo:
        """Saves a demo. Does not check its code, or whether its deployments exist. Raises `TooLarge`."""
        return to_demo(await self._owned.create(caller, DemoFields.model_validate(request.model_dump())))

    async def list(self, caller: Caller, limit: int, token: str | None = None) -> Page[Demo]:
        """The caller's own and the shared demos, or all for an administrator; the newest change first. One query.

        Large demos make a page of fewer than `limit`. Raises `BadRequest` for an invalid `token`.
        """
        return (await self._owned.page(caller, limit, token)).convert(to_demo)

    async def get(self, caller: Caller, demo_id: str) -> Demo:
        """One read. Raises `NotFound`, even for another user's demo if it is not shared."""
        return to_demo(await self._owned.get(caller, demo_id))

    async def open(self, caller: Caller | None, demo_id: str) -> Demo:
        """The demo, for its page. `caller`: None if no user is signed in; then only shared demos can be opened.

        Raises `NotFound`, even for a shared demo if its owner is disabled and the caller is not an administrator. One
        read, and occasionally another.
        """
        async with self.database.raising_unavailable():
            demo = await self.database.demos.get(demo_id)
        if demo is not None and demo.visibility == "shared":
            by_admin = caller is not None and is_admin(caller)
            if not by_admin and await DisabledUserService(self.database).is_disabled(demo.owner):
                raise NotFound(_UNKNOWN)
            return to_demo(demo)
        if caller is None:
            raise NotFound(_UNKNOWN)
        return to_demo(require_visible(caller, demo, "demo"))

    async def replace(self, caller: Caller, demo_id: str, request: ReplaceDemoRequest) -> Demo:
        """Replaces the demo's content. Its owner and its time of creation stay the same.

        Raises `NotFound`, `Forbidden`, `Conflict` for a stale `_rev`, `TooLarge`.
        """

        def change(demo: StoredDemo) -> StoredDemo:
            return demo.model_copy(update={"fields": request.fields(demo.visibility)})

        return to_demo(await self._owned.change(caller, demo_id, request.rev, change))

    async def delete(self, caller: Caller, demo_id: str) -> None:
        """Deletes the demo. Raises `NotFound`, `Forbidden`."""
        await self._owned.delete(caller, demo_id)

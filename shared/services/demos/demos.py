"""Demos: their owners save, read, replace and delete them; other users read and open shared ones."""

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
    """Keeps demos. Without `quotas`, a user may keep any number."""

    database: Database
    quotas: QuotaService | None = None

    @property
    def _owned(self) -> OwnedService[StoredDemo]:
        return OwnedService(self.database, self.database.demos, self.quotas)

    async def create(self, caller: Caller, request: CreateDemoRequest) -> Demo:
        """Saves a demo, without a check of its code, or of whether its deployments exist. Raises `TooLarge`."""
        return to_demo(await self._owned.create(caller, DemoFields.model_validate(request.model_dump())))

    async def list(self, caller: Caller, limit: int, token: str | None = None) -> Page[Demo]:
        """The caller's own and shared demos, or all for an administrator; the newest change first. One query.

        Large demos make a page of fewer than `limit`. Raises `BadRequest` for an invalid `token`.
        """
        return (await self._owned.page(caller, limit, token)).convert(to_demo)

    async def get(self, caller: Caller, demo_id: str) -> Demo:
        """One read. Raises `NotFound`, also for another user's demo that is not shared."""
        return to_demo(await self._owned.get(caller, demo_id))

    async def open(self, caller: Caller | None, demo_id: str) -> Demo:
        """The demo, for its page. Without a caller (None): if it is shared and its owner is not disabled.

        One read, and now and then another. Raises `NotFound`.
        """
        async with self.database.raising_unavailable():
            demo = await self.database.demos.get(demo_id)
        if demo is not None and demo.visibility == "shared":
            seen_by_admin = caller is not None and is_admin(caller)
            if not seen_by_admin and await DisabledUserService(self.database).is_disabled(demo.owner):
                raise NotFound(_UNKNOWN)
            return to_demo(demo)
        if caller is None:
            raise NotFound(_UNKNOWN)
        return to_demo(require_visible(caller, demo, "demo"))

    async def replace(self, caller: Caller, demo_id: str, request: ReplaceDemoRequest) -> Demo:
        """Replaces the demo's content; owner and time of creation stay.

        Raises `NotFound`, `Forbidden`, `Conflict` for a stale `_rev`, `TooLarge`.
        """

        def change(demo: StoredDemo) -> StoredDemo:
            return demo.model_copy(update={"fields": request.fields(demo.visibility)})

        return to_demo(await self._owned.change(caller, demo_id, request.rev, change))

    async def delete(self, caller: Caller, demo_id: str) -> None:
        """Deletes the demo. Raises `NotFound`, `Forbidden`."""
        await self._owned.delete(caller, demo_id)

"""Releases the holds of calls outside tickets that were never settled, because their process died."""

from shared import clock
from shared.log import get_logger
from shared.models.hold import Hold
from shared.services.accounts.spending import SpendingService
from shared.services.sweep_batch import sweep_each
from shared.store import Database

_log = get_logger("sweep")


async def release_expired_holds(database: Database, spending: SpendingService, max_holds: int) -> list[str]:
    """Releases up to `max_holds` holds, and returns the outcome of each: "released" or "left".

    The cost of such a call is unknown, so the hold's owner is usually not charged. The exception is a call whose caller
    had stopped waiting: its owner is charged the amount held, since abandoned calls would otherwise be free.
    """
    async with database.raising_unavailable():
        holds = await database.holds.list_expired(clock.now(), max_holds)

    async def release(hold: Hold) -> str:
        _log.error("Releasing the hold of a call that was not settled", extra={"fields": hold.model_dump(mode="json")})
        await spending.give_up(hold)
        return "released"

    return await sweep_each(holds, release, "left")

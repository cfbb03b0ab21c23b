"""Creates the service that runs published agents."""

from shared.services.agents.published import PublishedService
from shared.settings import Settings
from shared.store import Database
from shared.web.wiring.runs import wire_runs


async def wire_published(database: Database, settings: Settings) -> PublishedService:
    """Creates the service. Loads the engine, unless this process has loaded it already."""
    return PublishedService(database, await wire_runs(database, settings), settings)

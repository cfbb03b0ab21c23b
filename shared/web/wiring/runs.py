"""Creates the service that runs agents."""

from shared.sandbox.late_engine import load_engine
from shared.services.agents.runs import RunService
from shared.settings import Settings
from shared.store import Database
from shared.web.wiring.model_calls import wire_model_calls


async def wire_runs(database: Database, settings: Settings) -> RunService:
    """Creates the service. Loads the engine, unless this process has loaded it already."""
    return RunService(database, wire_model_calls(database, settings), await load_engine(settings), settings)

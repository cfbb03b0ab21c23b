"""Creates the service that has a model write agents' code."""

from shared.sandbox.late_engine import load_engine
from shared.services.generation.code_writing import CodeWritingService
from shared.settings import Settings
from shared.store import Database
from shared.web.wiring.model_calls import wire_model_calls


async def wire_code_writing(database: Database, settings: Settings) -> CodeWritingService:
    """Creates the service. Loads the engine, which checks the code, unless this process has loaded it already."""
    return CodeWritingService(database, wire_model_calls(database, settings), await load_engine(settings), settings)

"""Creates the service that has a model write demos."""

from shared.services.generation.demo_writing import DemoWritingService
from shared.settings import Settings
from shared.store import Database
from shared.web.wiring.model_calls import wire_model_calls


def wire_demo_writing(database: Database, settings: Settings) -> DemoWritingService:
    """Creates the service."""
    return DemoWritingService(database, wire_model_calls(database, settings), settings)

"""Creates the service that calls models while a request is handled."""

import os

from shared.llm.catalog import Catalog
from shared.llm.late_completion import complete
from shared.services.model_calls import ModelCallService
from shared.settings import Settings
from shared.store import Database


def wire_model_calls(database: Database, settings: Settings) -> ModelCallService:
    """Creates the service. The library that calls the models is imported at the first call."""
    return ModelCallService.create(database, Catalog.load(os.environ), complete, settings)

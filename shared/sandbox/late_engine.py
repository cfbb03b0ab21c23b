"""Imports the engine when code is run for the first time, as most requests run no code."""

from shared.late_imports import import_late
from shared.sandbox.program import Engine
from shared.settings import Settings


async def load_engine(settings: Settings) -> Engine:
    """Imports the engine's module and creates an engine: see `shared.sandbox.engine.create_engine`."""
    module = await import_late("shared.sandbox.engine")
    engine: Engine = module.create_engine(settings)
    return engine

"""Imports the engine when code is first run: most requests do not run any."""

from shared.late_imports import import_late
from shared.sandbox.program import Engine
from shared.settings import Settings


async def load_engine(settings: Settings) -> Engine:
    """See `shared.sandbox.engine.create_engine`."""
    module = await import_late("shared.sandbox.engine")
    engine: Engine = module.create_engine(settings)
    return engine

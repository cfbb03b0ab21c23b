"""The engine, imported when code is first run: most requests never run any."""

from shared.late import imported
from shared.sandbox.program import Engine
from shared.settings import Settings


async def engine(settings: Settings) -> Engine:
    """See `shared.sandbox.engine`."""
    module = await imported("shared.sandbox.engine")
    engine: Engine = module.engine(settings)
    return engine

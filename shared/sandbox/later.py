"""The engine, whose libraries are imported when code is first run: most requests never do."""

from shared.late import imported
from shared.sandbox.program import Engine
from shared.settings import Settings


async def engine(settings: Settings) -> Engine:
    """See `shared.sandbox.engine`."""
    module = await imported("shared.sandbox.engine")
    made: Engine = module.engine(settings)
    return made

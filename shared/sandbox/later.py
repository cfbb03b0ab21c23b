"""The engines, whose libraries are imported when code is first run: most requests never do."""

from shared.late import imported
from shared.sandbox.program import Engine
from shared.settings import Settings


async def engine(settings: Settings) -> Engine:
    """See `shared.sandbox.choice.Engines`."""
    module = await imported("shared.sandbox.choice")
    made: Engine = module.engines(settings)
    return made

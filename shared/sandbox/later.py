"""The engine, whose library is imported when code is first run: most requests never do."""

from shared.late import imported
from shared.sandbox.program import Engine


async def engine(at_once: int) -> Engine:
    """See `shared.sandbox.monty.MontyEngine`."""
    made: Engine = (await imported("shared.sandbox.monty")).MontyEngine(at_once)
    return made

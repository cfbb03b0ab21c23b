"""The engine, whose library is imported when code is first run: most requests never do."""

import asyncio
import importlib
from typing import Any

from shared.sandbox.program import Engine


async def engine(at_once: int) -> Engine:
    """See `shared.sandbox.monty.MontyEngine`."""
    module: Any = await asyncio.to_thread(importlib.import_module, "shared.sandbox.monty")
    made: Engine = module.MontyEngine(at_once)
    return made

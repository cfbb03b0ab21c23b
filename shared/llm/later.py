"""`complete`, whose library is imported when a model is first called: most requests never do.

The import takes seconds, so it happens beside the event loop.
"""

import asyncio
import importlib
from typing import Any

from shared.llm.catalog import ModelRoute
from shared.models.chat import ChatRequest, ChatResult


async def complete(route: ModelRoute, request: ChatRequest, timeout: float) -> ChatResult:
    """See `shared.llm.completion.complete`. The time for the import is not counted."""
    completion: Any = await asyncio.to_thread(importlib.import_module, "shared.llm.completion")
    result: ChatResult = await completion.complete(route, request, timeout)
    return result

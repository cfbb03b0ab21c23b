"""`complete`, whose library is imported when a model is first called: most requests never do.

The import takes seconds, so it happens beside the event loop.
"""

from shared.late_imports import import_late
from shared.llm.catalog import ModelRoute
from shared.models.chat import ChatRequest, ChatResult


async def complete(route: ModelRoute, request: ChatRequest, timeout: float) -> ChatResult:
    """See `shared.llm.completion.complete`. The time for the import is not counted."""
    result: ChatResult = await (await import_late("shared.llm.completion")).complete(route, request, timeout)
    return result

"""Provides `complete` without importing litellm until a model is first called. Most requests call no model.

The import takes seconds, so it runs in a thread outside of the event loop.
"""

from shared.late_imports import import_late
from shared.llm.catalog import ModelRoute
from shared.llm.live import LiveCall
from shared.models.chat import ChatRequest, ChatResult


async def complete(route: ModelRoute, request: ChatRequest, timeout: float, live: LiveCall | None = None) -> ChatResult:
    """See `shared.llm.completion.complete`. `timeout` does not include the import."""
    result: ChatResult = await (await import_late("shared.llm.completion")).complete(route, request, timeout, live)
    return result

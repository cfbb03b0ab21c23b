"""What is stored with a ticket: a chat, a call through an OpenAI-compatible endpoint, or a run's input."""

from typing import Annotated, Any

from pydantic import Discriminator, Tag, TypeAdapter

from shared.models.chat import ChatRequest, RunInput
from shared.models.conversation import CompletionRequest

StoredInput = ChatRequest | CompletionRequest | RunInput
"""What is stored with a ticket."""


def _find_kind(stored: Any) -> str:
    """Tells the kinds apart by their fields: what is stored has all of them."""
    if isinstance(stored, CompletionRequest) or (isinstance(stored, dict) and "functions" in stored):
        return "completion"
    if isinstance(stored, RunInput) or (isinstance(stored, dict) and "messages" not in stored):
        return "run"
    return "chat"


stored_input: TypeAdapter[StoredInput] = TypeAdapter(
    Annotated[
        Annotated[ChatRequest, Tag("chat")]
        | Annotated[CompletionRequest, Tag("completion")]
        | Annotated[RunInput, Tag("run")],
        Discriminator(_find_kind),
    ]
)

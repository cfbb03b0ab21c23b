"""Arranges a conversation in the order that a model accepts, or explains why that is not possible.

For all models, empty messages within the conversation are omitted, and an empty last message is refused. No text is
added or changed, except for white space at the end of an answer that the caller began.
"""

from collections.abc import Iterable, Sequence
from itertools import groupby

from shared.llm.catalog.errors import InvalidMessages
from shared.llm.catalog.route import ModelRoute
from shared.models.chat import Message

_SEPARATOR = "\n\n"


def check_messages(route: ModelRoute, messages: Sequence[Message]) -> list[dict[str, str]]:
    """Returns the messages to send, with `role` and `content`. Raises `InvalidMessages`."""
    rules = route.conversation
    with_text = [message for message in messages if message.content.strip()]
    if not messages or not messages[-1].content.strip():
        raise InvalidMessages("The last message has no text. Add some, or omit the message.")
    system = [message for message in with_text if message.role == "system"]
    turns = [message for message in with_text if message.role != "system"]
    if rules.needs_turns and not turns:
        raise InvalidMessages(f"{route.name} needs a user message in addition to system messages.")
    if rules.starts_with_user and turns and turns[0].role != "user":
        raise InvalidMessages(f"For {route.name}, the first message must be the user's, not the assistant's.")
    if rules.ends_with_user and turns and turns[-1].role != "user":
        raise InvalidMessages(
            f"For {route.name}, the last message must be the user's: the model cannot continue an answer."
        )
    ordered = [*system, *turns] if rules.system_first else with_text
    sent = [{"role": message.role, "content": message.content} for message in ordered]
    if rules.alternates:
        sent = [*_join(sent)]
    if rules.trims_answer and sent[-1]["role"] == "assistant":
        sent[-1]["content"] = sent[-1]["content"].rstrip()
    return sent


def _join(messages: Iterable[dict[str, str]]) -> Iterable[dict[str, str]]:
    for role, group in groupby(messages, key=lambda message: message["role"]):
        yield {"role": role, "content": _SEPARATOR.join(message["content"] for message in group)}

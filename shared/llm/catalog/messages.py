"""Brings a conversation into the order that a model takes, or says why it cannot be.

One rule for all models: a message without text says nothing. Within the conversation it is left out; the last one is
refused. No text is ever added, and none is changed but for white space at the end of an answer that the caller began.
"""

from collections.abc import Iterable, Sequence
from itertools import groupby

from shared.llm.catalog.errors import InvalidMessages
from shared.llm.catalog.route import ModelRoute
from shared.models.chat import Message

_BETWEEN_JOINED = "\n\n"


def check_messages(route: ModelRoute, messages: Sequence[Message]) -> list[dict[str, str]]:
    """As they are to be sent: `role` and `content`. Raises `InvalidMessages`."""
    rules = route.conversation
    spoken = [message for message in messages if message.content.strip()]
    if not messages or not messages[-1].content.strip():
        raise InvalidMessages("The last message has no text. Say something in it, or leave it out.")
    system = [message for message in spoken if message.role == "system"]
    turns = [message for message in spoken if message.role != "system"]
    if rules.needs_turns and not turns:
        raise InvalidMessages(f"{route.name} wants a message of the user, not system messages alone.")
    if rules.starts_with_user and turns and turns[0].role != "user":
        raise InvalidMessages(f"The first message must be the user's for {route.name}, not the assistant's.")
    if rules.ends_with_user and turns and turns[-1].role != "user":
        raise InvalidMessages(
            f"The last message must be the user's for {route.name}: it does not go on with an answer that was begun."
        )
    ordered = [*system, *turns] if rules.system_first else spoken
    sent = [{"role": message.role, "content": message.content} for message in ordered]
    if rules.alternates:
        sent = [*_join(sent)]
    if rules.trims_answer and sent[-1]["role"] == "assistant":
        sent[-1]["content"] = sent[-1]["content"].rstrip()
    return sent


def _join(messages: Iterable[dict[str, str]]) -> Iterable[dict[str, str]]:
    for role, group in groupby(messages, key=lambda message: message["role"]):
        yield {"role": role, "content": _BETWEEN_JOINED.join(message["content"] for message in group)}

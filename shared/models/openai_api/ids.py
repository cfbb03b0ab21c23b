"""Ids on the wire. They contain the ticket's id, so nothing stores which id belongs to which ticket."""

import re
from uuid import UUID

_HEX = re.compile(r"[0-9a-f]{32}")
_RESPONSE = "resp_"
_ITEM = re.compile(r"(msg|rs|fc)_([0-9a-f]{32})(?:_([1-9][0-9]{0,5}))?")


def completion_id(ticket_id: str) -> str:
    """Returns the id of the chat completion that a ticket answers."""
    return f"chatcmpl-{_hex(ticket_id)}"


def response_id(ticket_id: str) -> str:
    """Returns the id of the response that a ticket answers."""
    return f"{_RESPONSE}{_hex(ticket_id)}"


def item_id(kind: str, ticket_id: str, number: int = 0) -> str:
    """Returns the id of an item of a response. `kind`: "msg", "rs" or "fc". `number`: among the items of this kind."""
    return f"{kind}_{_hex(ticket_id)}" + (f"_{number}" if number else "")


def call_id(ticket_id: str, number: int) -> str:
    """Returns the id of a call of a function whose provider gave it none."""
    return f"call_{_hex(ticket_id)}_{number}"


def ticket_of(id_: str) -> str | None:
    """Returns the id of a response's ticket, None if this is not the id of a response."""
    prefix, text = id_[: len(_RESPONSE)], id_[len(_RESPONSE) :]
    return str(UUID(text)) if prefix == _RESPONSE and _HEX.fullmatch(text) else None


def item_of(id_: str) -> tuple[str, str, int] | None:
    """Returns the kind, the ticket's id and the number of an item of a response, None if this is not such an id."""
    match = _ITEM.fullmatch(id_)
    return None if match is None else (match[1], str(UUID(match[2])), int(match[3] or 0))


def _hex(ticket_id: str) -> str:
    return ticket_id.replace("-", "")

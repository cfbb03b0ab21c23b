"""Replaces references to items of earlier responses by the items, which some clients send instead of them."""

import asyncio
from collections.abc import Sequence
from typing import Any

from shared.models.caller import Caller
from shared.models.errors import NotFound, TooLarge
from shared.models.openai_api.errors import InvalidRequest, ItemNotFound
from shared.models.openai_api.ids import item_of
from shared.services.chat.tickets import TicketService
from shared.services.openai_api.results import Result, read_result
from shared.services.request_shares import share
from shared.store.tickets import MAX_TEXT_BYTES

MAX_RESPONSES = 200
"""The maximum number of responses whose items a request may refer to."""
MAX_RESOLVING = 10
"""The maximum number of a user's requests whose references are resolved at the same time in a process."""
_BATCH = 4
"""How many tickets are read at the same time, since each may have a megabyte."""
_REFERENCE = "item_reference"
_LEFT_OUT: dict[str, Any] = {"type": "reasoning"}


def has_references(items: str | Sequence[dict[str, Any]]) -> bool:
    """Whether the input refers to items of other responses."""
    return not isinstance(items, str) and any(item.get("type") == _REFERENCE for item in items)


async def resolve_references(
    tickets: TicketService, caller: Caller, items: Sequence[dict[str, Any]]
) -> list[dict[str, Any]]:
    """Returns the input with items for references to them. One read for each response that they belong to.

    Raises `ItemNotFound`, `InvalidRequest` for items of too many responses, `TooLarge`, and `TooManyRequests` if too
    many of the caller's requests do this. A model's thoughts are left out (`read_items`), so references to them are not
    looked up.
    """
    found = {index: _parse(item.get("id"), index) for index, item in enumerate(items) if item.get("type") == _REFERENCE}
    needed = {ticket_id: index for index, (kind, ticket_id, _) in found.items() if kind != "rs"}
    if len(needed) > MAX_RESPONSES:
        raise InvalidRequest(
            f"The input refers to items of {len(needed)} responses; the limit is {MAX_RESPONSES}. Send the items, or "
            "previous_response_id.",
            "input",
        )
    with share(tickets.database.project, "openai items", caller.uid, MAX_RESOLVING):
        results = await _read_results(tickets, caller, needed, items)
    resolved = list(items)
    for index, (kind, ticket_id, number) in found.items():
        item = _LEFT_OUT if kind == "rs" else _find_item(results[ticket_id], kind, number)
        if item is None:
            raise ItemNotFound(str(items[index]["id"]), _place(index))
        resolved[index] = item
    return resolved


def _parse(id_: Any, index: int) -> tuple[str, str, int]:
    found = item_of(id_) if isinstance(id_, str) else None
    if found is None:
        raise ItemNotFound(str(id_), _place(index))
    return found


async def _read_results(
    tickets: TicketService, caller: Caller, needed: dict[str, int], items: Sequence[dict[str, Any]]
) -> dict[str, Result]:
    """Returns the results of tickets, by id. `needed`: the index of an item that refers to each of them."""
    results: dict[str, Result] = {}
    size, ids = 0, list(needed)
    for start in range(0, len(ids), _BATCH):
        batch = ids[start : start + _BATCH]
        read = await asyncio.gather(*(tickets.get(caller, id_) for id_ in batch), return_exceptions=True)
        for id_, ticket in zip(batch, read, strict=True):
            if isinstance(ticket, NotFound):
                raise ItemNotFound(str(items[needed[id_]]["id"]), _place(needed[id_])) from ticket
            if isinstance(ticket, BaseException):
                raise ticket
            results[id_] = result = read_result(ticket)
            size += len(result.content) + sum(len(call.arguments) for call in result.calls)
        if size > MAX_TEXT_BYTES:
            raise TooLarge("The items that the input refers to have too much text.")
    return results


def _find_item(result: Result, kind: str, number: int) -> dict[str, Any] | None:
    """Returns the item, or None. The whole text is the first message, also if its stream had several."""
    if kind == "fc":
        if number >= len(result.calls):
            return None
        call = result.calls[number]
        return {"type": "function_call", "call_id": call.id, "name": call.name, "arguments": call.arguments}
    if not result.content:
        return None
    return _LEFT_OUT if number else {"type": "message", "role": "assistant", "content": result.content}


def _place(index: int) -> str:
    return f"input[{index}].id"

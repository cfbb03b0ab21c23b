"""Follows a ticket piece by piece: what a model says, or what an agent prints, and the ticket itself at the end.

It reads the events that `GET /chat/{ticket_id}/events` and `GET /runs/{run_id}/events` send (`shared.services.chat`).
"""

import json
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from shared.models.catalog import GOFANNON
from shared.models.errors import NotFound
from shared.models.events import Event, EventName
from shared.models.part import Delta, PartKind
from shared.models.ticket import Ticket
from shared.services.chat.following import follow
from shared.services.chat.run_following import follow_run
from shared.services.chat.run_views import RunViews
from shared.settings import Settings
from shared.store import Database


@dataclass(frozen=True)
class Begun:
    """The answer begins, or begins again: what was said before is void. Its parts have higher numbers than `base`."""

    base: int


@dataclass(frozen=True)
class PartsGone:
    """The parts are no longer stored, so what follows is the content in one piece."""


@dataclass(frozen=True)
class Ended:
    """The ticket has ended."""

    ticket: Ticket


Piece = Delta | Begun | PartsGone | Ended


@asynccontextmanager
async def follow_pieces(
    database: Database, ticket: Ticket, settings: Settings
) -> AsyncGenerator[AsyncIterator[Sequence[Piece]]]:
    """Returns the ticket's pieces in batches, as they come. They end after `Ended`.

    Raises what `follow` raises, and `NotFound` if the ticket is deleted meanwhile. One read more than `follow`.
    """
    if ticket.provider == GOFANNON:
        async with follow_run(RunViews(database, settings), ticket, 0) as batches:
            yield _translate(database, ticket, batches)
    else:
        async with follow(database, ticket, 0) as batches:
            yield _translate(database, ticket, batches)


async def _translate(
    database: Database, ticket: Ticket, batches: AsyncIterator[list[Event]]
) -> AsyncIterator[Sequence[Piece]]:
    reader = _Reader(0 if ticket.provider == GOFANNON else ticket.parts_start)
    yield [Begun(reader.base)]
    async for batch in batches:
        if pieces := [piece for event in batch for piece in reader.read(event)]:
            yield pieces
        if batch and batch[-1].name is EventName.DONE:
            break
    async with database.raising_unavailable():
        ended = await database.tickets.get(ticket.id)
    if ended is None or not ended.status.finished:
        raise NotFound("The ticket was deleted, or it has more than can be shown.")
    yield [Ended(ended)]


class _Reader:
    """Reads events. `base`: the number after which the parts begin. `_last`: the number of the last part."""

    def __init__(self, base: int) -> None:
        self.base = self._last = base

    def read(self, event: Event) -> list[Piece]:
        match event.name:
            case EventName.STATUS if event.id is not None:
                self.base = self._last = event.id
                return [Begun(event.id)]
            case EventName.DELTA | EventName.TOOL:
                assert event.id is not None  # noqa: S101 - each part has a number
                gone: list[Piece] = [] if event.id == self._last + 1 else [PartsGone()]
                self._last = event.id
                return [*gone, _to_delta(json.loads(event.data))]
            case EventName.LOG:
                return [Delta(PartKind.REASONING, json.loads(event.data)["text"] + "\n")]
            case _:
                return []


def _to_delta(data: dict[str, Any]) -> Delta:
    if "tool_calls" in data:
        return Delta(PartKind.TOOL, tool_calls=data["tool_calls"])
    if "reasoning" in data:
        return Delta(PartKind.REASONING, data["reasoning"])
    return Delta(PartKind.CONTENT, data.get("content") or "")

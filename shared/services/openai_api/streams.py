"""The streams of the endpoints: follows a ticket, and yields the lines that its client gets.

A client cannot take text back. If the answer begins again after the client has got some of it, because a worker died,
the stream ends with an error instead.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from typing import Any

from shared.models.chat import TicketStatus
from shared.models.errors import ServiceError
from shared.models.events import to_line
from shared.models.openai_api.errors import AnswerFailed, AnswerTooSlow, InvalidRequest
from shared.models.part import Delta
from shared.services.openai_api.completions import ChunkWriter
from shared.services.openai_api.error_bodies import describe_error
from shared.services.openai_api.pieces import Begun, Ended, PartsGone, Piece
from shared.services.openai_api.response_events import EventWriter
from shared.services.openai_api.results import error_of
from shared.services.openai_api.waiting import TOO_SLOW_MESSAGE

Pieces = AsyncIterator[Sequence[Piece]]
Lines = AsyncGenerator[list[bytes]]
_RESTARTED = "The answer began again, because the worker that gave it died."


async def stream_completion(pieces: Pieces, writer: ChunkWriter, seconds: float, on_end: Callable[[], None]) -> Lines:
    """Yields the chunks of a completion, and `[DONE]`. After `seconds`, ends with an error.

    An answer that fails before it has begun raises its error instead. `on_end` is called when the ticket has ended.
    """
    has_begun = False
    try:
        async for batch in _until(pieces, seconds):
            chunks: list[dict[str, Any]] = []
            for piece in batch:
                match piece:
                    case Delta():
                        chunks += writer.say(piece)
                    case Begun() if writer.has_said:
                        raise AnswerFailed(f"{_RESTARTED} Send the request again.")
                    case Ended(ticket):
                        on_end()
                        if ticket.status is not TicketStatus.COMPLETED:
                            raise error_of(ticket)
                        chunks += writer.end(ticket)
                    case _:
                        pass
            if not chunks:
                continue
            if not has_begun:
                chunks, has_begun = [*writer.begin(), *chunks], True
            yield [_line(chunk) for chunk in chunks]
        yield [b"data: [DONE]\n\n"]
    except ServiceError as error:
        if not has_begun:
            raise
        yield [_line({"error": describe_error(error)})]


async def stream_response(
    pieces: Pieces, writer: EventWriter, after: int, seconds: float, on_end: Callable[[], None], *, is_background: bool
) -> Lines:
    """Yields the events of a response with higher numbers than `after`.

    After `seconds`, the stream of a response in the background just ends, as its client continues it. Any other ends
    with an error.
    """
    yield _events(writer.begin(), after)
    try:
        async for batch in _until(pieces, seconds):
            events: list[dict[str, Any]] = []
            for piece in batch:
                match piece:
                    case Delta():
                        events += writer.say(piece)
                    case Begun(base):
                        if writer.has_said:
                            raise AnswerFailed(f"{_RESTARTED} Read the response from its beginning.")
                        writer.start_at(base)
                        if writer.is_lost(after):
                            raise InvalidRequest(
                                f"{_RESTARTED} Read the response again without starting_after.", "starting_after"
                            )
                    case PartsGone():
                        if writer.has_begun_before(after):
                            raise InvalidRequest(
                                "The events are no longer stored. Read the response as a whole, without stream.",
                                "starting_after",
                            )
                    case Ended(ticket):
                        on_end()
                        events += writer.end(ticket)
            if lines := _events(events, after):
                yield lines
    except AnswerTooSlow as error:
        if not is_background:
            yield _events(writer.fail(error.code, error.message), -1)
    except ServiceError as error:
        yield _events(writer.fail(describe_error(error)["code"], error.message), -1)


async def _until(pieces: Pieces, seconds: float) -> AsyncIterator[Sequence[Piece]]:
    """Yields the batches. Raises `AnswerTooSlow` if they have not ended after `seconds`."""
    ends_at = time.monotonic() + seconds
    while True:
        try:
            async with asyncio.timeout(max(0.0, ends_at - time.monotonic())):
                batch = await anext(pieces, None)
        except TimeoutError as error:
            raise AnswerTooSlow(TOO_SLOW_MESSAGE.format(seconds=seconds)) from error
        if batch is None:
            return
        yield batch


def _line(data: Any) -> bytes:
    return b"data: %b\n\n" % to_line(data)


def _events(events: Sequence[dict[str, Any]], after: int) -> list[bytes]:
    return [
        b"event: %b\n%b" % (event["type"].encode(), _line(event))
        for event in events
        if event["sequence_number"] > after
    ]

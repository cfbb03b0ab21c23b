"""The use cases of the endpoints: submits requests, and shows, cancels and deletes responses.

Only its owner sees a response. To others it does not exist, nor does one that was not to be stored (`store: false`).
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing, asynccontextmanager, nullcontext
from dataclasses import dataclass, field
from typing import Any

from shared.log import get_logger
from shared.models.api_key import Scope
from shared.models.caller import Caller
from shared.models.catalog import GOFANNON
from shared.models.conversation import CompletionRequest
from shared.models.errors import BadRequest, Conflict, NotFound, OutcomeUnknown, ServiceError, Unavailable
from shared.models.openai_api.errors import InvalidRequest, ModelNotFound, ResponseNotFound
from shared.models.openai_api.ids import ticket_of
from shared.models.openai_api.objects import InputItems
from shared.models.ticket import Ticket
from shared.services.chat.cancelling import CancelService
from shared.services.chat.submission import ChatService
from shared.services.chat.tickets import TicketService
from shared.services.openai_api.completions import ChunkWriter
from shared.services.openai_api.pieces import follow_pieces
from shared.services.openai_api.requests import RESPONSES, read_history
from shared.services.openai_api.response_events import EventWriter
from shared.services.openai_api.response_items import show_items
from shared.services.openai_api.streams import Lines, stream_completion, stream_response
from shared.services.openai_api.waiting import wait_for_end
from shared.services.request_shares import share
from shared.settings import Settings
from shared.store import Database

_log = get_logger("openai")
MAX_READING_IMAGES = 2
"""The maximum number of a user's requests that read the images of a response at the same time in a process."""
START_SECONDS = 10.0
"""How long a stream waits for the answer to begin before its response starts. An earlier error has its own status."""


@dataclass(frozen=True)
class Stored:
    """A request with its ticket. `replayed`: whether it was sent before with the same `Idempotency-Key`.

    `is_kept`: whether the ticket goes on without a client: it answers in the background, or the client has a key with
    which it can get the answer later. `is_unseen`: whether the client does not know of it yet, and could not find it.

    The messages of a request that has just been admitted are missing, since it may wait for minutes.
    """

    ticket: Ticket
    request: CompletionRequest
    replayed: bool = False
    is_kept: bool = True
    is_unseen: bool = False


@dataclass
class _Watch:
    """Whether the ticket has ended, and whether its client has been told of it."""

    has_ended: bool = False
    is_seen: bool = False

    def end(self) -> None:
        self.has_ended = True


@dataclass(frozen=True)
class OpenAiService:
    """Serves the endpoints."""

    database: Database
    chats: ChatService
    cancels: CancelService
    settings: Settings
    tickets: TicketService = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "tickets", TicketService(self.database))

    async def submit(
        self, caller: Caller, request: CompletionRequest, key: str | None, path: str, body: Any = None
    ) -> Stored:
        """Admits a request. One transaction, and two reads. Raises what `ChatService.submit_once` raises.

        `body`: see there. A model or agent that the caller cannot call is `ModelNotFound`. `Forbidden` for a key
        without the scope.
        """
        caller.require_scope(Scope.RUN if request.provider == GOFANNON else Scope.CHAT)
        try:
            accepted, replayed = await self.chats.submit_once(caller, request, key, path, body)
        except (BadRequest, NotFound) as error:
            if request.provider == GOFANNON and not isinstance(error, InvalidRequest):
                raise ModelNotFound(error.message) from error
            raise
        ticket = await self._get_ticket(caller, accepted.ticket_id, key)
        is_kept = key is not None or bool(request.echo.get("background"))
        light = request.model_copy(update={"messages": []})
        return Stored(ticket, light, replayed, is_kept, is_unseen=key is None)

    async def find_again(self, caller: Caller, key: str, path: str, body: Any) -> Stored | None:
        """Returns what was admitted for the same body with the same key, None if nothing was, or it was deleted.

        One transaction, and two reads. Raises `Conflict` for another body.
        """
        if (ticket_id := await self.chats.find_once(caller, key, path, body)) is None:
            return None
        try:
            ticket = await self.tickets.get(caller, ticket_id)
        except NotFound:
            return None
        request = await self._read_request(ticket, with_images=False)
        return Stored(ticket, request, replayed=True) if isinstance(request, CompletionRequest) else None

    async def _get_ticket(self, caller: Caller, ticket_id: str, key: str | None) -> Ticket:
        """Returns the ticket. One read. If it cannot be read, its client must be able to send the request again.

        So without a key, the ticket is cancelled then. Raises `Unavailable`, or `OutcomeUnknown` if it could not be.
        """
        try:
            return await self.tickets.get(caller, ticket_id)
        except Unavailable:
            if key is None:
                try:
                    await self.cancels.cancel(caller, ticket_id)
                except ServiceError as error:
                    raise OutcomeUnknown(ticket_id) from error
            raise

    async def find(
        self, caller: Caller, response_id: str, param: str = "response_id", *, with_images: bool = False
    ) -> Stored:
        """Returns a stored response. Two reads, the second only of the caller's own. Raises `ResponseNotFound`.

        `with_images`: see `TicketStore.get_request`. Only a few of a user's requests may read images at a time; further
        ones get `TooManyRequests`.
        """
        ticket_id = ticket_of(response_id)
        if ticket_id is None:
            raise ResponseNotFound(response_id, param)
        try:
            ticket = await self.tickets.get(caller, ticket_id)
            request = await self._read_request(ticket, with_images=with_images)
        except NotFound as error:
            raise ResponseNotFound(response_id, param) from error
        is_response = isinstance(request, CompletionRequest) and request.echo.get("api") == RESPONSES
        if not is_response or request.echo.get("store") is False:
            raise ResponseNotFound(response_id, param)
        return Stored(ticket, request)

    async def _read_request(self, ticket: Ticket, *, with_images: bool) -> Any:
        limit = share(self.database.project, "openai images", ticket.owner, MAX_READING_IMAGES) if with_images else None
        with limit or nullcontext():
            async with self.database.raising_unavailable():
                return await self.database.tickets.get_request(ticket.id, with_images=with_images)

    async def list_items(
        self, caller: Caller, response_id: str, limit: int, after: str | None, *, newest_first: bool
    ) -> InputItems:
        """Returns a page of the items of a response's input. Two reads, and one for each chunk of images.

        Raises `ResponseNotFound`, and `InvalidRequest` for an unknown `after`.
        """
        stored = await self.find(caller, response_id, with_images=True)
        items = show_items(read_history(stored.request), stored.ticket.id)
        if newest_first:
            items.reverse()
        ids = [item["id"] for item in items]
        if after is not None and after not in ids:
            raise InvalidRequest(f"There is no item with the id {after[:100]!r}.", "after")
        start = 0 if after is None else ids.index(after) + 1
        page = items[start : start + limit]
        first, last = (page[0]["id"], page[-1]["id"]) if page else ("", "")
        return InputItems(data=page, first_id=first, last_id=last, has_more=start + limit < len(items))

    async def wait(self, caller: Caller, stored: Stored, seconds: float) -> Ticket:
        """Returns the ticket when it has ended. If the wait ends before, cancels it unless it is kept.

        Raises what `wait_for_end` raises.
        """
        try:
            return await wait_for_end(self.database, stored.ticket, seconds)
        except BaseException:
            if not stored.is_kept:
                await self._abandon(caller, stored.ticket)
            raise

    async def cancel(self, caller: Caller, response_id: str) -> Stored:
        """Cancels a response in the background. One that has ended stays as it is. See `CancelService.cancel`.

        Raises `ResponseNotFound`, and `InvalidRequest` for a response that is not in the background.
        """
        stored = await self.find(caller, response_id)
        if not stored.request.echo.get("background"):
            raise InvalidRequest("Only a response with background: true can be cancelled.", "response_id")
        return Stored(await self.cancels.cancel(caller, stored.ticket.id), stored.request)

    async def delete(self, caller: Caller, response_id: str) -> None:
        """Deletes a response that has ended. See `TicketService.delete`.

        Raises `ResponseNotFound`, and `Conflict` while it is being answered.
        """
        stored = await self.find(caller, response_id)
        try:
            await self.tickets.delete(caller, stored.ticket.id)
        except NotFound as error:
            raise ResponseNotFound(response_id) from error
        except Conflict as error:
            raise Conflict("The response has not ended. Cancel it first, or wait for its end.") from error

    @asynccontextmanager
    async def open_completion(
        self, caller: Caller, stored: Stored, *, include_usage: bool, seconds: float
    ) -> AsyncGenerator[AsyncIterator[Sequence[bytes]]]:
        """Opens the stream of a chat completion. Raises the errors of an answer that fails before it has begun."""
        writer, watch = ChunkWriter(stored.ticket, include_usage=include_usage), _Watch()
        async with (
            self._cancelling(caller, stored, watch),
            follow_pieces(self.database, stored.ticket, self.settings) as pieces,
            aclosing(stream_completion(pieces, writer, seconds, watch.end)) as lines,
            _beginning(lines) as begun,
        ):
            watch.is_seen = True
            yield begun

    @asynccontextmanager
    async def open_response(
        self, caller: Caller, stored: Stored, *, after: int, seconds: float, is_kept: bool
    ) -> AsyncGenerator[AsyncIterator[Sequence[bytes]]]:
        """Opens the stream of a response, from the event after a number on. `is_kept`: see `Stored`."""
        writer, watch = EventWriter(stored.ticket, stored.request), _Watch()
        kept = Stored(stored.ticket, stored.request, is_kept=is_kept, is_unseen=stored.is_unseen)
        background = bool(stored.request.echo.get("background"))
        async with (
            self._cancelling(caller, kept, watch),
            follow_pieces(self.database, stored.ticket, self.settings) as pieces,
            aclosing(stream_response(pieces, writer, after, seconds, watch.end, is_background=background)) as lines,
        ):
            watch.is_seen = True
            yield lines

    @asynccontextmanager
    async def _cancelling(self, caller: Caller, stored: Stored, watch: _Watch) -> AsyncGenerator[None]:
        """Cancels the ticket if the block ends before it does, unless it is kept.

        A ticket of which the client has not been told is not kept: the client could only send the request again.
        """
        try:
            yield
        finally:
            is_kept = stored.is_kept and (watch.is_seen or not stored.is_unseen)
            if not (is_kept or watch.has_ended):
                await self._abandon(caller, stored.ticket)

    async def _abandon(self, caller: Caller, ticket: Ticket) -> None:
        """Cancels a ticket whose client has gone. What it has used is charged.

        The request itself may be cancelled meanwhile, when the server reports that the client is gone.
        """
        work = asyncio.create_task(self._cancel(caller, ticket))
        try:
            await asyncio.shield(work)
        except asyncio.CancelledError:
            await asyncio.wait({work})
            raise

    async def _cancel(self, caller: Caller, ticket: Ticket) -> None:
        try:
            await self.cancels.cancel(caller, ticket.id)
        except ServiceError as error:
            _log.warning("An abandoned ticket was not cancelled: %s", error, extra={"fields": {"ticket": ticket.id}})


@asynccontextmanager
async def _beginning(lines: Lines) -> AsyncGenerator[AsyncIterator[Sequence[bytes]]]:
    """Waits for the first lines, but not for long. Raises the error of a stream that fails before them."""
    first = asyncio.ensure_future(anext(lines, None))
    try:
        await asyncio.wait({first}, timeout=START_SECONDS)
        if first.done():
            first.result()
        yield _continue(first, lines)
    finally:
        if not first.done():
            first.cancel()
        await asyncio.gather(first, return_exceptions=True)


async def _continue(first: "asyncio.Future[list[bytes] | None]", lines: Lines) -> AsyncIterator[Sequence[bytes]]:
    if (batch := await first) is None:
        return
    yield batch
    async for batch in lines:
        yield batch

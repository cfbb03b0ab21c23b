"""Chat: submit messages, get a ticket immediately, and look it up or watch it until the answer is ready. List tickets,
and delete those that have ended."""

from shared.startup import finish_startup

import os
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response
from functions_framework import aio

from shared.late_imports import import_late
from shared.llm.catalog import Catalog
from shared.models.chat import Accepted, ChatRequest, ChatResponse, TicketStatus
from shared.models.errors import (
    AllowanceSpent,
    BadRequest,
    Conflict,
    Forbidden,
    InvalidInput,
    NotFound,
    OutcomeUnknown,
    TooLarge,
    TooManyRequests,
    Unauthenticated,
    Unavailable,
)
from shared.models.ticket import to_chat_response
from shared.services.chat.cancelling import CancelService
from shared.services.chat.submission import ChatService
from shared.services.chat.tickets import TicketService
from shared.services.chat.turns import TurnService
from shared.settings import Settings
from shared.store import Database
from shared.tasks import task_queue
from shared.web import CurrentSettings, StrictJsonRoute, as_response, create_app
from shared.web.active_callers import ActiveCaller
from shared.web.authentication import CurrentCaller
from shared.web.error_responses import error_responses
from shared.web.event_docs import EVENT_RESPONSES
from shared.web.idempotency import REPLAYED, REPLAYED_HEADER, IdempotencyKey
from shared.web.paging import LIMIT_DESCRIPTION, PAGED, PageToken, respond_with
from shared.web.sse import EventCursor, EventStream, MaxWait

MAX_LIMIT = 100
"""The maximum number of tickets on a page. Results are large."""

MAX_BODY_BYTES = 12 * 1024 * 1024
"""The maximum size of a request: images of `MAX_IMAGES_BYTES` in base64, and a megabyte of text."""

router = APIRouter(route_class=StrictJsonRoute, responses=error_responses(Unauthenticated, Forbidden, Unavailable))


async def _chat_service(settings: CurrentSettings) -> ChatService:
    return ChatService(Database(settings), task_queue(settings), Catalog.load(os.environ), settings)


async def _ticket_service(settings: CurrentSettings) -> TicketService:
    return TicketService(Database(settings))


async def _cancel_service(settings: CurrentSettings) -> CancelService:
    database = Database(settings)
    turns = TurnService(database, partial(task_queue, settings), settings)
    return CancelService(database, turns, settings)


Chat = Annotated[ChatService, Depends(_chat_service)]
Cancels = Annotated[CancelService, Depends(_cancel_service)]
Tickets = Annotated[TicketService, Depends(_ticket_service)]
Status = Annotated[TicketStatus | None, Query(description="Lists only tickets with this status.")]


@router.post(
    "/chat",
    responses=REPLAYED
    | error_responses(BadRequest, AllowanceSpent, Conflict, TooLarge, InvalidInput, TooManyRequests, OutcomeUnknown),
)
async def submit(
    body: ChatRequest,
    caller: CurrentCaller,
    chat: Chat,
    request: Request,
    response: Response,
    idempotency_key: IdempotencyKey = None,
) -> Accepted:
    """Queues the chat, and responds once the chat can no longer be lost.

    For 24 hours, the same chat with the same `Idempotency-Key` gets the same ticket. A different chat with this key
    gets 409.
    """
    try:
        accepted, replayed = await chat.submit_once(caller, body, idempotency_key)
    except OutcomeUnknown as error:
        request.state.access["ticket"] = error.body["ticket_id"]
        raise
    request.state.access["ticket"] = accepted.ticket_id
    if replayed:
        response.headers[REPLAYED_HEADER] = "true"
    return accepted


@router.get("/chat", responses=PAGED | error_responses(BadRequest, InvalidInput))
async def list_tickets(
    caller: ActiveCaller,
    tickets: Tickets,
    response: Response,
    limit: Annotated[int, Query(ge=1, le=MAX_LIMIT, description=LIMIT_DESCRIPTION)] = MAX_LIMIT,
    page_token: PageToken = None,
    status: Status = None,
) -> list[ChatResponse]:
    """Lists the caller's tickets, the newest first, without their messages. `X-Next-Page-Token` leads to the next page.

    `status` selects the tickets that have it.
    """
    return respond_with(await tickets.list(caller, limit, page_token, status), response)


@router.get("/chat/{ticket_id}", responses=error_responses(NotFound))
async def look_up(ticket_id: str, caller: ActiveCaller, tickets: Tickets, request: Request) -> ChatResponse:
    """Returns the ticket's status, and its result or error once it is finished."""
    ticket = await tickets.look_up(caller, ticket_id)
    request.state.access["ticket"] = ticket.ticket_id
    return ticket


@router.get(
    "/chat/{ticket_id}/events",
    status_code=200,
    response_class=EventStream,
    responses=EVENT_RESPONSES | error_responses(NotFound, InvalidInput, TooManyRequests),
)
async def watch(
    ticket_id: str,
    caller: ActiveCaller,
    tickets: Tickets,
    settings: CurrentSettings,
    request: Request,
    cursor: EventCursor,
    wait: MaxWait = None,
) -> EventStream:
    """Streams the ticket's events: what the model says while it says it, and the ticket itself at the end.

    The `id` of each event is a cursor. A client that was disconnected continues after the last event that it has, on
    any instance, also after the ticket has ended. The response ends after 280 seconds at the latest, and through
    Hosting, which holds it back until its end, after 25; the client then continues with its cursor.
    """
    ticket = await tickets.get(caller, ticket_id)
    request.state.access["ticket"] = ticket.id
    following = await import_late("shared.services.chat.following")
    return EventStream(lambda: following.follow(Database(settings), ticket, cursor), request, wait)


@router.post("/chat/{ticket_id}/cancel", responses=error_responses(NotFound))
async def cancel(ticket_id: str, caller: ActiveCaller, cancels: Cancels, request: Request) -> ChatResponse:
    """Stops the chat, and returns it as it ended. A chat that had already ended stays as it is.

    A chat that never began costs nothing. If it is running, the model's connection is closed within a second; what the
    model had said is kept as the `result`, with the `finish_reason` "cancelled" in its `thoughts`, and what it had used
    is charged. If the worker has died, the response has the status `processing`; the chat ends within a minute or two.
    """
    ticket = await cancels.cancel(caller, ticket_id)
    request.state.access["ticket"] = ticket.id
    return to_chat_response(ticket)


@router.delete("/chat/{ticket_id}", status_code=204, responses=error_responses(NotFound, Conflict))
async def delete(ticket_id: str, caller: ActiveCaller, tickets: Tickets, request: Request) -> Response:
    """Deletes a finished ticket with its messages, its result and its parts. 409 while it is not finished.

    What the chat cost stays recorded. If the chat is sent again with the same `Idempotency-Key` within its 24 hours, it
    gets the id of the deleted ticket, and is not answered again.
    """
    await tickets.delete(caller, ticket_id)
    request.state.access["ticket"] = ticket_id
    return Response(status_code=204)


app = create_app("chat", router, Settings.from_environ(), max_body_bytes=MAX_BODY_BYTES)
finish_startup()


@aio.http
async def chat(_request: Request) -> Response:
    """The entry point."""
    return as_response(app)

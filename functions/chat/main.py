"""Chat: submit messages, get a ticket immediately, and look it up or watch it until the answer is ready."""

from shared.startup import finish_startup

import os
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from functions_framework import aio

from shared.late_imports import import_late
from shared.llm.catalog import Catalog
from shared.models.chat import Accepted, ChatRequest, ChatResponse
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
from shared.services.chat.submission import ChatService
from shared.settings import Settings
from shared.store import Database
from shared.tasks import task_queue
from shared.web import CurrentCaller, CurrentSettings, StrictJsonRoute, as_response, create_app
from shared.web.active_callers import ActiveCaller
from shared.web.error_responses import error_responses
from shared.web.event_docs import EVENT_RESPONSES
from shared.web.idempotency import REPLAYED, REPLAYED_HEADER, IdempotencyKey
from shared.web.sse import EventCursor, EventStream, MaxWait

router = APIRouter(route_class=StrictJsonRoute, responses=error_responses(Unauthenticated, Forbidden, Unavailable))


async def _chat_service(settings: CurrentSettings) -> ChatService:
    return ChatService(Database(settings), task_queue(settings), Catalog.load(os.environ), settings)


Chat = Annotated[ChatService, Depends(_chat_service)]


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


@router.get("/chat/{ticket_id}", responses=error_responses(NotFound))
async def look_up(ticket_id: str, caller: ActiveCaller, chat: Chat, request: Request) -> ChatResponse:
    """Returns the ticket's status, and its result or error once it is finished."""
    ticket = await chat.look_up(caller, ticket_id)
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
    chat: Chat,
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
    ticket = await chat.find(caller, ticket_id)
    request.state.access["ticket"] = ticket.id
    following = await import_late("shared.services.chat.following")
    return EventStream(lambda: following.follow(Database(settings), ticket, cursor), request, wait)


app = create_app("chat", router, Settings.from_environ())
finish_startup()


@aio.http
async def chat(_request: Request) -> Response:
    """The entry point."""
    return as_response(app)

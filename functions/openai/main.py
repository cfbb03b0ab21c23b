"""OpenAI-compatible endpoints: models, chat completions and responses, for clients that speak OpenAI's API.

Requests, responses and errors have OpenAI's shapes; docs/reference/openai.md lists the differences.
"""

from shared.startup import finish_startup

import os
from functools import partial
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query, Request, Response
from functions_framework import aio

from shared.llm.catalog import Catalog
from shared.models.openai_api.chat_request import ChatCompletionRequest
from shared.models.openai_api.objects import (
    ChatCompletion,
    DeletedResponse,
    InputItems,
    OpenAiModel,
    OpenAiModelList,
    OpenAiResponse,
)
from shared.models.openai_api.response_request import ResponseRequest
from shared.services.catalog.providers import ProviderService
from shared.services.chat.cancelling import CancelService
from shared.services.chat.submission import ChatService
from shared.services.chat.turns import TurnService
from shared.services.openai_api.completions import show_completion
from shared.services.openai_api.continuing import submit_response
from shared.services.openai_api.model_list import get_model, list_models
from shared.services.openai_api.requests import RequestReader
from shared.services.openai_api.responses import show_response
from shared.services.openai_api.results import error_of
from shared.services.openai_api.service import OpenAiService, Stored
from shared.settings import Settings
from shared.store import Database
from shared.tasks import task_queue
from shared.web import CurrentSettings, StrictJsonRoute, as_response, create_app
from shared.web.active_callers import ActiveCaller
from shared.web.authentication import CurrentCaller
from shared.web.disconnects import while_connected
from shared.web.errors import render_json
from shared.web.idempotency import REPLAYED_HEADER, IdempotencyKey
from shared.web.openai_api import (
    STREAMED_CHUNKS,
    STREAMED_EVENTS,
    LineStream,
    choose_seconds,
    openai_errors,
    render_openai_error,
)

RENDER_ERROR = render_openai_error
MAX_BODY_BYTES = 12 * 1024 * 1024
"""The maximum size of a request: its images in base64, and a megabyte of text, as in `POST /chat`."""
router = APIRouter(route_class=StrictJsonRoute, responses=openai_errors(401, 403, 500, 503))


async def _service(settings: CurrentSettings) -> OpenAiService:
    database, queue = Database(settings), partial(task_queue, settings)
    chats = ChatService(database, queue(), Catalog.load(os.environ), settings)
    return OpenAiService(
        database, chats, CancelService(database, TurnService(database, queue, settings), settings), settings
    )


async def _provider_service(settings: CurrentSettings) -> ProviderService:
    return ProviderService(Catalog.load(os.environ), lambda: Database(settings))


async def _reader() -> RequestReader:
    return RequestReader(Catalog.load(os.environ))


Service = Annotated[OpenAiService, Depends(_service)]
Providers = Annotated[ProviderService, Depends(_provider_service)]
Reader = Annotated[RequestReader, Depends(_reader)]


@router.get("/v1/models")
async def models(caller: ActiveCaller, providers: Providers) -> OpenAiModelList:
    """Lists the models that can be called, as `provider/model`, and deployed agents, as `gofannon/name`."""
    return await list_models(providers, caller)


@router.get("/v1/models/{model:path}", responses=openai_errors(404))
async def model(model: str, caller: ActiveCaller, providers: Providers) -> OpenAiModel:
    """Returns one model. The slash in its name may be percent-encoded."""
    return await get_model(providers, caller, model)


@router.post(
    "/v1/chat/completions",
    response_model=ChatCompletion,
    responses=STREAMED_CHUNKS | openai_errors(400, 402, 404, 409, 413, 429, 502, 504),
)
async def complete(
    body: ChatCompletionRequest,
    caller: CurrentCaller,
    service: Service,
    reader: Reader,
    request: Request,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Answers a conversation; with `stream`, while the model says it.

    A client that disconnects cancels the request, and is charged for what was used, unless it sent an
    `Idempotency-Key`: the same request with the same key gets the same answer for 24 hours.
    """
    stored = await service.submit(caller, reader.read_chat(body), idempotency_key, "/v1/chat/completions")
    request.state.access["ticket"] = stored.ticket.id
    if body.stream:
        include_usage = bool(body.stream_options and body.stream_options.include_usage)
        open_ = partial(
            service.open_completion, caller, stored, include_usage=include_usage, seconds=choose_seconds(request)
        )
        return _mark(LineStream(open_, request), stored)
    ticket = await while_connected(request, service.wait(caller, stored, choose_seconds(request)))
    return _mark(render_json(show_completion(ticket), 200, {}), stored)


@router.post(
    "/v1/responses",
    response_model=OpenAiResponse,
    responses=STREAMED_EVENTS | openai_errors(400, 402, 404, 409, 413, 429, 502, 504),
)
async def respond(
    body: ResponseRequest,
    caller: CurrentCaller,
    service: Service,
    reader: Reader,
    request: Request,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Creates a response; with `stream`, its events are sent while the model gives the answer.

    With `background`, the response is returned at once with the status `queued`, and is answered without the client.
    Otherwise, a client that disconnects cancels it, as with chat completions.
    """
    stored = await submit_response(service, reader, caller, body, idempotency_key)
    request.state.access["ticket"] = stored.ticket.id
    if body.stream:
        open_ = partial(
            service.open_response, caller, stored, after=-1, seconds=choose_seconds(request), is_kept=stored.is_kept
        )
        return _mark(LineStream(open_, request), stored)
    ticket = stored.ticket
    if not body.background:
        ticket = await while_connected(request, service.wait(caller, stored, choose_seconds(request)))
        if ticket.result is None or ticket.error is not None:
            raise error_of(ticket)
    return _mark(render_json(show_response(ticket, stored.request), 200, {}), stored)


@router.get(
    "/v1/responses/{response_id}",
    response_model=OpenAiResponse,
    responses=STREAMED_EVENTS | openai_errors(400, 404, 429),
)
async def retrieve(
    response_id: str,
    caller: ActiveCaller,
    service: Service,
    request: Request,
    stream: bool = False,
    starting_after: Annotated[
        int | None, Query(ge=0, le=2**53 - 1, description="The last `sequence_number` that the client has.")
    ] = None,
    include: Annotated[list[str] | None, Query(description="Ignored.")] = None,
    include_obfuscation: Annotated[bool, Query(description="Ignored.")] = False,
) -> Response:
    """Returns a response as it is now; with `stream`, its events from the beginning, or after a number."""
    stored = await service.find(caller, response_id)
    request.state.access["ticket"] = stored.ticket.id
    if not stream:
        return render_json(show_response(stored.ticket, stored.request), 200, {})
    after = -1 if starting_after is None else starting_after
    open_ = partial(service.open_response, caller, stored, after=after, seconds=choose_seconds(request), is_kept=True)
    return LineStream(open_, request)


@router.post("/v1/responses/{response_id}/cancel", response_model=OpenAiResponse, responses=openai_errors(400, 404))
async def cancel(response_id: str, caller: ActiveCaller, service: Service, request: Request) -> Response:
    """Cancels a response in the background, and returns it as it ended. What it has used is charged."""
    stored = await service.cancel(caller, response_id)
    request.state.access["ticket"] = stored.ticket.id
    return render_json(show_response(stored.ticket, stored.request), 200, {})


@router.delete("/v1/responses/{response_id}", responses=openai_errors(404, 409))
async def delete(response_id: str, caller: ActiveCaller, service: Service) -> DeletedResponse:
    """Deletes a response that has ended. What it cost stays recorded."""
    await service.delete(caller, response_id)
    return DeletedResponse(id=response_id)


@router.get("/v1/responses/{response_id}/input_items", responses=openai_errors(400, 404))
async def input_items(
    response_id: str,
    caller: ActiveCaller,
    service: Service,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
    order: Literal["asc", "desc"] = "desc",
    after: Annotated[str | None, Query(description="The id of the last item of the page before.")] = None,
    include: Annotated[list[str] | None, Query(description="Ignored.")] = None,
) -> InputItems:
    """Lists the items of a response's input, and of the responses before it, without instructions."""
    return await service.list_items(caller, response_id, limit, after, newest_first=order == "desc")


def _mark(response: Response, stored: Stored) -> Response:
    if stored.replayed:
        response.headers[REPLAYED_HEADER] = "true"
    return response


app = create_app("openai", router, Settings.from_environ(), MAX_BODY_BYTES, render_error=RENDER_ERROR)
finish_startup()


@aio.http
async def openai(_request: Request) -> Response:
    """The entry point."""
    return as_response(app)

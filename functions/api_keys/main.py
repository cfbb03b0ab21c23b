"""API keys: create, list and revoke the keys with which programs act for the caller."""

from shared.startup import finish_startup

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from functions_framework import aio

from shared.models.api_key import CreatedKey, CreateKeyRequest, Key
from shared.models.errors import BadRequest, Forbidden, InvalidInput, NotFound, TooLarge, Unauthenticated, Unavailable
from shared.services.api_keys.keys import ApiKeyService
from shared.settings import Settings
from shared.store import Database
from shared.web import CurrentSettings, StrictJsonRoute, as_response, create_app
from shared.web.active_callers import ActiveCaller
from shared.web.error_responses import error_responses
from shared.web.paging import DEFAULT_LIMIT, PAGED, PageLimit, PageToken, respond_with

router = APIRouter(
    route_class=StrictJsonRoute,
    prefix="/users/me/keys",
    responses=error_responses(Unauthenticated, Forbidden, Unavailable),
)


async def _api_key_service(settings: CurrentSettings) -> ApiKeyService:
    return ApiKeyService(Database(settings), settings)


Keys = Annotated[ApiKeyService, Depends(_api_key_service)]


@router.post("", status_code=201, responses=error_responses(TooLarge, InvalidInput))
async def create(body: CreateKeyRequest, caller: ActiveCaller, service: Keys) -> CreatedKey:
    """Creates a key. The response is the only one that contains it."""
    return await service.create(caller, body)


@router.get("", responses=PAGED | error_responses(BadRequest, InvalidInput))
async def list_keys(
    caller: ActiveCaller,
    service: Keys,
    response: Response,
    limit: PageLimit = DEFAULT_LIMIT,
    page_token: PageToken = None,
) -> list[Key]:
    """Lists the caller's keys, the newest first, with their last use and what they have spent.

    `X-Next-Page-Token` leads to the next page.
    """
    return respond_with(await service.list(caller, limit, page_token), response)


@router.delete("/{key_id}", status_code=204, responses=error_responses(NotFound))
async def revoke(key_id: str, caller: ActiveCaller, service: Keys) -> Response:
    """Revokes a key. Within ten seconds, it opens nothing any more. 404 if it does not exist or is another user's.

    Runs that were started with it continue, but make no further calls that cost something.
    """
    await service.revoke(caller, key_id)
    return Response(status_code=204)


app = create_app("api_keys", router, Settings.from_environ())
finish_startup()


@aio.http
async def api_keys(_request: Request) -> Response:
    """The entry point."""
    return as_response(app)

"""Administration: all users, and changes to their allowances."""

from shared.startup import finish_startup

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response
from functions_framework import aio

from shared.models.errors import (
    BadRequest,
    Conflict,
    Forbidden,
    InvalidInput,
    NotFound,
    TooLarge,
    TooManyRequests,
    Unauthenticated,
    Unavailable,
)
from shared.models.user import AdminChange, AdminUser
from shared.services.accounts.administration import AdminService
from shared.settings import Settings
from shared.store import Database
from shared.web import CurrentSettings, StrictJsonRoute, as_response, create_app
from shared.web.administration import CurrentAdmin
from shared.web.error_responses import error_responses
from shared.web.paging import LIMIT_DESCRIPTION, PAGED, PageToken, respond_with

router = APIRouter(
    route_class=StrictJsonRoute,
    prefix="/admin/users",
    responses=error_responses(Unauthenticated, Forbidden, TooManyRequests, Unavailable),
)


async def _admin_service(settings: CurrentSettings) -> AdminService:
    return AdminService(Database(settings), settings)


Admin = Annotated[AdminService, Depends(_admin_service)]


@router.get("", responses=PAGED | error_responses(BadRequest, InvalidInput))
async def list_users(
    _admin: CurrentAdmin,
    service: Admin,
    response: Response,
    limit: Annotated[int, Query(ge=1, le=500, description=LIMIT_DESCRIPTION)] = 100,
    page_token: PageToken = None,
) -> list[AdminUser]:
    """Lists all users, sorted by id. `X-Next-Page-Token` is the `pageToken` of the next page, missing on the last."""
    return respond_with(await service.list_users(limit, page_token), response)


@router.put("/{user_id}", responses=error_responses(NotFound, Conflict, TooLarge, InvalidInput))
async def change_user(user_id: str, body: AdminChange, admin: CurrentAdmin, service: Admin) -> AdminUser:
    """Changes a user's monthly allowance, reset date, or remaining spend, or disables or enables the user.

    A new allowance becomes the user's ceiling. A user who has never signed in is created.
    """
    return await service.change(admin, user_id, body)


app = create_app("admin", router, Settings.from_environ())
finish_startup()


@aio.http
async def admin(_request: Request) -> Response:
    """The entry point."""
    return as_response(app)

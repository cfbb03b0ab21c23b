"""Webhooks: register URLs that are notified when your runs end or wait.

The function `schedules` serves these routes beside its own. A function's folder has only its `main.py`, because a
deployed function cannot import from `functions`.
"""

from typing import Annotated

from fastapi import APIRouter, Depends, Response

from shared.models.errors import (
    BadRequest,
    Conflict,
    Forbidden,
    InvalidInput,
    NotFound,
    TooLarge,
    Unauthenticated,
    Unavailable,
)
from shared.models.webhook import CreatedWebhook, CreateWebhookRequest, RotatedSecret, UpdateWebhookRequest, Webhook
from shared.services.webhooks.webhooks import WebhookService
from shared.store import Database
from shared.web import CurrentSettings, StrictJsonRoute
from shared.web.active_callers import ActiveCaller
from shared.web.error_responses import error_responses
from shared.web.paging import DEFAULT_LIMIT, PAGED, PageLimit, PageToken, respond_with

router = APIRouter(route_class=StrictJsonRoute, prefix="/webhooks", responses=error_responses(Unavailable))


async def _webhook_service(settings: CurrentSettings) -> WebhookService:
    return WebhookService(Database(settings), settings)


Webhooks = Annotated[WebhookService, Depends(_webhook_service)]


@router.post("", status_code=201, responses=error_responses(Unauthenticated, Forbidden, TooLarge, InvalidInput))
async def create_webhook(body: CreateWebhookRequest, caller: ActiveCaller, service: Webhooks) -> CreatedWebhook:
    """Registers a webhook. The response is the only one that contains its secret."""
    return await service.create(caller, body)


@router.get("", responses=PAGED | error_responses(BadRequest, Unauthenticated, Forbidden, InvalidInput))
async def list_webhooks(
    caller: ActiveCaller,
    service: Webhooks,
    response: Response,
    limit: PageLimit = DEFAULT_LIMIT,
    page_token: PageToken = None,
) -> list[Webhook]:
    """Lists the caller's webhooks, the newest first. `X-Next-Page-Token` leads to the next page."""
    return respond_with(await service.list(caller, limit, page_token), response)


@router.get("/{webhook_id}", responses=error_responses(Unauthenticated, Forbidden, NotFound))
async def get_webhook(webhook_id: str, caller: ActiveCaller, service: Webhooks) -> Webhook:
    """Returns one webhook. 404 if it does not exist, or belongs to another user."""
    return await service.get(caller, webhook_id)


@router.put(
    "/{webhook_id}", responses=error_responses(Unauthenticated, Forbidden, NotFound, Conflict, TooLarge, InvalidInput)
)
async def update_webhook(
    webhook_id: str, body: UpdateWebhookRequest, caller: ActiveCaller, service: Webhooks
) -> Webhook:
    """Changes the fields that are sent. 409 for a `_rev` that is not the newest."""
    return await service.update(caller, webhook_id, body)


@router.post(
    "/{webhook_id}/secret", status_code=201, responses=error_responses(Unauthenticated, Forbidden, NotFound, Conflict)
)
async def rotate_secret(webhook_id: str, caller: ActiveCaller, service: Webhooks) -> RotatedSecret:
    """Replaces the secret. For a day, notifications are also signed with the previous one."""
    return await service.rotate_secret(caller, webhook_id)


@router.delete("/{webhook_id}", status_code=204, responses=error_responses(Unauthenticated, Forbidden, NotFound))
async def delete_webhook(webhook_id: str, caller: ActiveCaller, service: Webhooks) -> Response:
    """Deletes the webhook. Its pending notifications are not sent."""
    await service.delete(caller, webhook_id)
    return Response(status_code=204)

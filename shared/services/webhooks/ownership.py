"""Decides who may see a webhook: only its owner. To anyone else, even an administrator, it does not exist."""

from shared.models.caller import Caller
from shared.models.errors import InvalidInput, NotFound
from shared.models.webhook import StoredWebhook
from shared.store import Database


def require_own(caller: Caller, webhook: StoredWebhook | None) -> StoredWebhook:
    """Returns the webhook. Raises `NotFound` if it is missing or another user's: both cases must look alike."""
    if webhook is None or webhook.owner != caller.uid:
        raise NotFound("There is no such webhook.")
    return webhook


async def refuse_unknown(database: Database, caller: Caller, webhook_id: str) -> None:
    """Raises `InvalidInput` if a run is to notify a webhook that is not one of the caller's. One read."""
    async with database.raising_unavailable():
        webhook = await database.webhooks.get(webhook_id)
    try:
        require_own(caller, webhook)
    except NotFound as error:
        raise InvalidInput([("webhook", ("webhook",), "You have no such webhook.")]) from error

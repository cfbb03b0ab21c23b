"""Webhooks: users create, read, change and delete their webhooks, and replace the secrets that sign notifications."""

import base64
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from uuid import uuid4

from pydantic import SecretStr

from shared import clock
from shared.models.caller import Caller
from shared.models.errors import Conflict
from shared.models.webhook import (
    MAX_SECRETS,
    ROTATION,
    CreatedWebhook,
    CreateWebhookRequest,
    RotatedSecret,
    SigningSecret,
    StoredWebhook,
    UpdateWebhookRequest,
    Webhook,
    to_created_webhook,
    to_webhook,
)
from shared.services.pagination import Page, read_moment_token, write_moment_token
from shared.services.quotas import QuotaService
from shared.services.webhooks.ownership import require_own
from shared.services.webhooks.urls import check_url
from shared.settings import Settings
from shared.store import Database, Transaction

_SECRET_BYTES = 32


@dataclass(frozen=True)
class WebhookService:
    """Manages webhooks."""

    database: Database
    settings: Settings

    async def create(self, caller: Caller, request: CreateWebhookRequest) -> CreatedWebhook:
        """Stores a webhook, and returns it with its secret. One transaction.

        Raises `InvalidInput` for a URL that cannot be notified, and `TooLarge` if the user has too many webhooks.
        """
        await check_url(request.url, self.settings)
        now = clock.now()
        webhook = StoredWebhook(
            id=str(uuid4()),
            owner=caller.uid,
            **request.model_dump(),
            secrets=[SigningSecret(secret=_make_secret())],
            rev=uuid4().hex,
            created_at=now,
            updated_at=now,
        )

        async def write(transaction: Transaction) -> None:
            await QuotaService(self.database, self.settings).refuse_another_webhook(caller.uid, transaction)
            self.database.webhooks.add(webhook, transaction)

        await self.database.transaction(write, serialize_on=f"webhooks:{caller.uid}")
        return to_created_webhook(webhook)

    async def list(self, caller: Caller, limit: int, token: str | None = None) -> Page[Webhook]:
        """The caller's webhooks, the newest first. One query. Raises `BadRequest` for an invalid `token`."""
        after = None if token is None else read_moment_token(token)
        async with self.database.raising_unavailable():
            webhooks, more = await self.database.webhooks.page(caller.uid, limit, after)
        last = webhooks[-1] if more else None
        page = Page(webhooks, write_moment_token(last.created_at, last.id) if last else None)
        return page.convert(to_webhook)

    async def get(self, caller: Caller, webhook_id: str) -> Webhook:
        """One read. Raises `NotFound`, also for another user's webhook."""
        async with self.database.raising_unavailable():
            return to_webhook(require_own(caller, await self.database.webhooks.get(webhook_id)))

    async def update(self, caller: Caller, webhook_id: str, request: UpdateWebhookRequest) -> Webhook:
        """Changes the fields that were sent. One transaction.

        Raises `NotFound`, `InvalidInput` for a URL that cannot be notified, and `Conflict` for a stale `_rev`.
        """
        changes = request.changes()
        if "url" in changes:
            await check_url(request.url, self.settings)

        def change(webhook: StoredWebhook) -> StoredWebhook:
            if request.rev is not None and request.rev != webhook.rev:
                raise Conflict(
                    "The webhook has changed in the meantime. Read it again, and repeat the change with its new _rev."
                )
            return webhook.change(changes)

        return to_webhook(await self._change(caller, webhook_id, change))

    async def rotate_secret(self, caller: Caller, webhook_id: str) -> RotatedSecret:
        """Replaces the secret. For a day, notifications are also signed with the one before. One transaction.

        Raises `NotFound`, and `Conflict` if the secret has been replaced several times within a day.
        """
        secret, now = _make_secret(), clock.now()

        def change(webhook: StoredWebhook) -> StoredWebhook:
            if len(webhook.list_valid_secrets(now)) >= MAX_SECRETS:
                raise Conflict(
                    f"{MAX_SECRETS} secrets of this webhook are valid, because it was replaced several times within a "
                    "day. Try again tomorrow, or create another webhook."
                )
            return webhook.rotate(secret, now)

        await self._change(caller, webhook_id, change)
        return RotatedSecret(secret=secret.get_secret_value(), previous_valid_until=now + ROTATION)

    async def delete(self, caller: Caller, webhook_id: str) -> None:
        """Deletes the webhook. Its pending notifications are not sent. One transaction. Raises `NotFound`."""

        async def write(transaction: Transaction) -> None:
            webhook = require_own(caller, await self.database.webhooks.get(webhook_id, transaction))
            self.database.webhooks.remove(webhook, transaction)

        await self.database.transaction(write, serialize_on=f"webhook:{webhook_id}")

    async def _change(
        self, caller: Caller, webhook_id: str, change: Callable[[StoredWebhook], StoredWebhook]
    ) -> StoredWebhook:
        async def write(transaction: Transaction) -> StoredWebhook:
            webhook = require_own(caller, await self.database.webhooks.get(webhook_id, transaction))
            changed = change(webhook).model_copy(update={"rev": uuid4().hex, "updated_at": clock.now()})
            self.database.webhooks.put(changed, transaction)
            return changed

        return await self.database.transaction(write, serialize_on=f"webhook:{webhook_id}")


def _make_secret() -> SecretStr:
    """Returns a new secret in the format of Standard Webhooks."""
    return SecretStr(f"whsec_{base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()}")

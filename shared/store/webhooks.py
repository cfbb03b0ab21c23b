"""Webhooks: `webhooks/{id}`. Only functions can read them, because they contain the secrets that sign notifications."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from google.cloud.firestore import AsyncClient, AsyncDocumentReference
from google.cloud.firestore_v1.base_query import FieldFilter
from pydantic_core import from_json

from shared.log import get_logger
from shared.models.webhook import StoredWebhook
from shared.models.wire import is_plain_id
from shared.store.counts import count_up_to
from shared.store.pages import newest_first, page_of
from shared.store.transaction import Transaction, read

_log = get_logger("store")
_FIELDS = ("owner", "created_at", "secrets")


class WebhookStore:
    """Reads and writes webhooks. The services check permissions."""

    def __init__(self, client: AsyncClient) -> None:
        self._collection = client.collection("webhooks")

    def _webhook(self, webhook_id: str) -> AsyncDocumentReference:
        return self._collection.document(webhook_id)

    async def get(self, webhook_id: str, transaction: Transaction | None = None) -> StoredWebhook | None:
        """Returns the webhook. One read; none if the id is not valid."""
        if not is_plain_id(webhook_id):
            return None
        document = await read(self._webhook(webhook_id), transaction)
        return None if document is None else _from_document(webhook_id, document)

    async def page(
        self, owner: str, limit: int, after: tuple[datetime, str] | None = None
    ) -> tuple[list[StoredWebhook], bool]:
        """Returns the owner's webhooks, the newest first, and whether there may be more.

        `after`: the time of creation and the id of the webhook that the previous page ended with. One query, and one
        read per webhook (see `page_of`).
        """
        query = self._collection.where(filter=FieldFilter("owner", "==", owner))
        documents, more = await page_of(newest_first(query, "created_at", self._collection, after), limit)
        return [_from_document(webhook_id, document) for webhook_id, document in documents], more

    async def list_of(self, owner: str) -> list[StoredWebhook]:
        """Returns all of the owner's webhooks, in any order. One query, and one read per webhook, at least one.

        Unreadable ones are logged and omitted, so that they do not keep their owner's runs from ending.
        """
        query = self._collection.where(filter=FieldFilter("owner", "==", owner))
        webhooks: list[StoredWebhook] = []
        for snapshot in await query.get():
            try:
                webhooks.append(_from_document(snapshot.id, snapshot.to_dict() or {}))
            except (KeyError, ValueError):
                _log.exception("A webhook cannot be read", extra={"fields": {"webhook": snapshot.id}})
        return webhooks

    async def count(self, owner: str, limit: int) -> int:
        """Counts the owner's webhooks, up to `limit`. One read."""
        return await count_up_to(self._collection.where(filter=FieldFilter("owner", "==", owner)), limit)

    def add(self, webhook: StoredWebhook, transaction: Transaction) -> None:
        """Creates a webhook. The transaction need not have read it: its id is new."""
        transaction.create(self._webhook(webhook.id), _to_document(webhook))

    def put(self, webhook: StoredWebhook, transaction: Transaction) -> None:
        """Writes a changed webhook. The transaction must have read it before."""
        transaction.set(self._webhook(webhook.id), _to_document(webhook))

    def remove(self, webhook: StoredWebhook, transaction: Transaction) -> None:
        """Deletes a webhook that the transaction has read."""
        transaction.delete(self._webhook(webhook.id))


def _to_document(webhook: StoredWebhook) -> dict[str, Any]:
    secrets = [
        {"secret": secret.secret.get_secret_value(), "valid_until": secret.valid_until} for secret in webhook.secrets
    ]
    body = webhook.model_dump_json(exclude={"id", *_FIELDS})
    return {"owner": webhook.owner, "created_at": webhook.created_at, "secrets": secrets, "body": body}


def _from_document(webhook_id: str, document: Mapping[str, Any]) -> StoredWebhook:
    fields = {name: document[name] for name in _FIELDS}
    return StoredWebhook.model_validate({"id": webhook_id, **fields, **from_json(document["body"])})

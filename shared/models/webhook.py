"""Webhooks: URLs that are notified when a user's runs end or wait, on the wire and in the store.

The notifications follow Standard Webhooks (https://www.standardwebhooks.com). `shared.models.delivery` has them.
"""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated, Any

from pydantic import AfterValidator, AwareDatetime, Field, SecretStr, StringConstraints

from shared.models.owned import STORED_EXAMPLE
from shared.models.wire import CamelModel, SnakeModel, with_change_example, with_example

MAX_URL_LENGTH = 2000
ROTATION = timedelta(days=1)
"""How long a secret remains valid after another one has replaced it."""
MAX_SECRETS = 5
"""The maximum number of valid secrets of one webhook. Each of them adds a signature to every notification."""


class WebhookEvent(StrEnum):
    """What webhooks are notified of. `run.waiting`: the run asks a question, or sleeps."""

    RUN_COMPLETED = "run.completed"
    RUN_FAILED = "run.failed"
    RUN_CANCELLED = "run.cancelled"
    RUN_WAITING = "run.waiting"


def _remove_duplicates(events: list[WebhookEvent]) -> list[WebhookEvent]:
    return list(dict.fromkeys(events))


WebhookUrl = Annotated[str, StringConstraints(min_length=1, max_length=MAX_URL_LENGTH, strip_whitespace=True)]
WebhookEvents = Annotated[list[WebhookEvent], Field(min_length=1, max_length=20), AfterValidator(_remove_duplicates)]
_EXAMPLE = {"url": "https://hooks.example.com/runs", "events": ["run.completed", "run.failed"]}
_SECRET_EXAMPLE = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"  # noqa: S105 - the example of the specification


class CreateWebhookRequest(CamelModel):
    """The request body of `POST /webhooks`. `url` must be public, and begin with https:// in a deployment."""

    model_config = with_example(**_EXAMPLE)

    url: WebhookUrl
    events: WebhookEvents
    enabled: bool = True


class UpdateWebhookRequest(CamelModel):
    """The request body of `PUT /webhooks/{id}`. Only the fields that are sent change.

    `rev`: the revision that the change is based on; it is refused if the webhook has changed since.
    """

    model_config = with_change_example(enabled=False)

    url: WebhookUrl = ""
    events: WebhookEvents = []
    enabled: bool = True
    rev: Annotated[str, StringConstraints(max_length=100)] | None = Field(default=None, validation_alias="_rev")

    def changes(self) -> dict[str, Any]:
        """Returns the fields that were sent, by their Python names."""
        return {name: getattr(self, name) for name in self.model_fields_set - {"rev"}}


class SigningSecret(SnakeModel):
    """A secret that notifications are signed with. `valid_until`: None for the current one."""

    secret: SecretStr
    valid_until: AwareDatetime | None = None

    def is_valid(self, now: datetime) -> bool:
        """Whether notifications are signed with it."""
        return self.valid_until is None or self.valid_until > now


class StoredWebhook(SnakeModel):
    """A webhook as it is stored. `rev` changes with each change by its owner, and not with the state of deliveries.

    `secrets`: the current one first. `last_status`: the HTTP status of the last response that differed from the one
    before. `last_error`: why the last attempt failed, None if it succeeded. `failing_since`: the time of the first
    attempt that failed since one has succeeded. `disabled_reason`: why the service disabled it.
    """

    id: str
    owner: str
    url: str
    events: list[WebhookEvent]
    enabled: bool
    secrets: list[SigningSecret]
    rev: str
    created_at: AwareDatetime
    updated_at: AwareDatetime
    last_status: int | None = None
    last_error: str | None = None
    failing_since: AwareDatetime | None = None
    disabled_reason: str | None = None

    def change(self, changes: dict[str, Any]) -> "StoredWebhook":
        """Returns the webhook with its owner's changes. A new URL, or being enabled again, forgets past failures."""
        changed = self.model_copy(update=changes)
        if changed.url == self.url and (self.enabled or not changed.enabled):
            return changed
        forgotten = {"failing_since": None, "last_error": None, "last_status": None}
        return changed.model_copy(update={**forgotten, "disabled_reason": None})

    def list_valid_secrets(self, now: datetime) -> list[SigningSecret]:
        """Returns the secrets to sign with, the current one first."""
        return [secret for secret in self.secrets if secret.is_valid(now)]

    def rotate(self, secret: SecretStr, now: datetime) -> "StoredWebhook":
        """Returns the webhook with a new secret. The one before remains valid for `ROTATION`."""
        current, *older = self.list_valid_secrets(now)
        replaced = current.model_copy(update={"valid_until": now + ROTATION})
        return self.model_copy(update={"secrets": [SigningSecret(secret=secret), replaced, *older]})

    def record_success(self, status: int) -> "StoredWebhook":
        """Returns the webhook after an attempt that succeeded."""
        return self.model_copy(update={"last_status": status, "last_error": None, "failing_since": None})

    def record_failure(self, status: int | None, error: str, now: datetime) -> "StoredWebhook":
        """Returns the webhook after an attempt that failed. `status`: None if there was no response."""
        since = self.failing_since or now
        return self.model_copy(update={"last_status": status, "last_error": error, "failing_since": since})

    def disable(self, reason: str) -> "StoredWebhook":
        """Returns the webhook as the service disables it. Its owner can enable it again."""
        return self.model_copy(update={"enabled": False, "disabled_reason": reason})


class Webhook(CamelModel):
    """A webhook as the API returns it. `lastStatus`, `lastError`: the response to the last attempt, and why it failed.

    `failingSince`: since when no attempt has succeeded. `disabledReason`: why the service disabled it.
    """

    model_config = with_example(
        **STORED_EXAMPLE,
        **_EXAMPLE,
        enabled=True,
        lastStatus=204,
        lastError=None,
        failingSince=None,
        disabledReason=None,
    )

    id: str = Field(serialization_alias="_id")
    rev: str = Field(serialization_alias="_rev")
    url: str
    events: list[WebhookEvent]
    enabled: bool
    created_at: datetime
    updated_at: datetime
    last_status: int | None
    last_error: str | None
    failing_since: datetime | None
    disabled_reason: str | None


class CreatedWebhook(Webhook):
    """The response of `POST /webhooks`. No other response contains the `secret`, which verifies signatures."""

    model_config = with_example(
        **STORED_EXAMPLE,
        **_EXAMPLE,
        enabled=True,
        lastStatus=None,
        lastError=None,
        failingSince=None,
        disabledReason=None,
        secret=_SECRET_EXAMPLE,
    )

    secret: str


class RotatedSecret(CamelModel):
    """The response of `POST /webhooks/{id}/secret`. The secret before stays valid until `previousValidUntil`."""

    model_config = with_example(secret=_SECRET_EXAMPLE, previousValidUntil="2026-11-25T06:00:00.120000Z")

    secret: str
    previous_valid_until: datetime


def to_webhook(stored: StoredWebhook) -> Webhook:
    """Returns the webhook as the API returns it, without its secrets."""
    return Webhook(**{name: getattr(stored, name) for name in Webhook.model_fields})


def to_created_webhook(stored: StoredWebhook) -> CreatedWebhook:
    """Returns a new webhook with its secret."""
    fields = {name: getattr(stored, name) for name in Webhook.model_fields}
    return CreatedWebhook(**fields, secret=stored.secrets[0].secret.get_secret_value())

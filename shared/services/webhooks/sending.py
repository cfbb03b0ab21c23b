"""Sends one notification to its webhook, signed, through the guarded way out."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from standardwebhooks import Webhook

from shared.late_imports import import_late
from shared.models.delivery import Delivery
from shared.models.webhook import SigningSecret, StoredWebhook
from shared.outbound.errors import OutboundError
from shared.outbound.network import Resolver, resolve
from shared.settings import Settings

TIMEOUT_SECONDS = 15.0
GONE = 410


@dataclass(frozen=True)
class Outcome:
    """What became of an attempt. `status`: None without a response. `error`: a sentence, None if it succeeded."""

    status: int | None
    error: str | None


class Sender:
    """Sends notifications. `resolver` looks up the addresses of hosts."""

    def __init__(self, settings: Settings, resolver: Resolver = resolve) -> None:
        self._settings = settings
        self._resolver = resolver

    async def send(self, delivery: Delivery, webhook: StoredWebhook, now: datetime) -> Outcome:
        """Sends the notification once, and waits for the status of the response.

        Redirects are not followed, because they could lead a message to somebody else.
        """
        http = await import_late("shared.outbound.http")
        request = http.Request(
            method="POST",
            url=webhook.url,
            headers={
                "content-type": "application/json",
                "webhook-id": delivery.id,
                "webhook-timestamp": str(int(now.timestamp())),
                "webhook-signature": sign(webhook.list_valid_secrets(now), delivery.id, now, delivery.body),
            },
            content=delivery.body.encode(),
            timeout=TIMEOUT_SECONDS,
            ignore_body=True,
        )
        try:
            response = await http.Outbound(self._settings, self._resolver).send(request)
        except OutboundError as error:
            return Outcome(None, error.message)
        return Outcome(response.status_code, explain(response.status_code))


def sign(secrets: Sequence[SigningSecret], message_id: str, now: datetime, body: str) -> str:
    """Returns the value of `webhook-signature`: a signature with each secret."""
    return " ".join(Webhook(secret.secret.get_secret_value()).sign(message_id, now, body) for secret in secrets)


def explain(status: int) -> str | None:
    """Returns why a response with this status is a failure, None if it is none."""
    if 200 <= status < 300:
        return None
    if 300 <= status < 400:
        return f"The receiver answered {status}. Redirects are not followed: register the URL that they lead to."
    if status == GONE:
        return "The receiver answered 410 Gone."
    return f"The receiver answered {status}."

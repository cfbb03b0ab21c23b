from typing import Literal

WebhookEvent = Literal["run.cancelled", "run.completed", "run.failed", "run.waiting"]

WEBHOOK_EVENT_VALUES: set[WebhookEvent] = {
    "run.cancelled",
    "run.completed",
    "run.failed",
    "run.waiting",
}


def check_webhook_event(value: str) -> WebhookEvent:
    if value in WEBHOOK_EVENT_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {WEBHOOK_EVENT_VALUES!r}")

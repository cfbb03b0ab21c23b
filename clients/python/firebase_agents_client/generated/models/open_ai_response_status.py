from typing import Literal

OpenAiResponseStatus = Literal["cancelled", "completed", "failed", "in_progress", "incomplete", "queued"]

OPEN_AI_RESPONSE_STATUS_VALUES: set[OpenAiResponseStatus] = {
    "cancelled",
    "completed",
    "failed",
    "in_progress",
    "incomplete",
    "queued",
}


def check_open_ai_response_status(value: str) -> OpenAiResponseStatus:
    if value in OPEN_AI_RESPONSE_STATUS_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {OPEN_AI_RESPONSE_STATUS_VALUES!r}")

"""Writes the messages that webhooks receive: what has happened, and the run that it happened to."""

from pydantic import JsonValue
from pydantic_core import to_json

from shared.models.chat import TicketStatus
from shared.models.question import Question
from shared.models.ticket import Ticket
from shared.models.webhook import WebhookEvent
from shared.models.wire import JsonObject
from shared.text import shorten

MAX_RESULT_BYTES = 20_000
"""The maximum size of a result in a message, as JSON. Standard Webhooks recommends messages of less than 20 KB."""
_MAX_TEXT = 2_000
"""The maximum length of an error or a question in a message, in characters."""
_EVENTS = {
    TicketStatus.COMPLETED: WebhookEvent.RUN_COMPLETED,
    TicketStatus.FAILED: WebhookEvent.RUN_FAILED,
    TicketStatus.CANCELLED: WebhookEvent.RUN_CANCELLED,
    TicketStatus.WAITING: WebhookEvent.RUN_WAITING,
}


def event_of(run: Ticket) -> WebhookEvent | None:
    """Returns the event that the run's new state is, None if webhooks are not notified of it."""
    return _EVENTS.get(run.status)


def write_message(event: WebhookEvent, run: Ticket) -> str:
    """Returns the message as JSON. The names of the run's fields are those of `GET /runs/{id}`.

    A result that is too long is left out, and `resultOmitted` is true. `questions` has only those that are open.
    """
    result, omitted = _shorten_result(run)
    data: JsonObject = {
        "run_id": run.id,
        "agentId": run.agent_id,
        "friendlyName": run.model,
        "status": run.status.value,
        "result": result,
        "resultOmitted": omitted,
        "error": None if run.error is None else shorten(run.error, _MAX_TEXT),
        "questions": [_describe_question(question) for question in run.questions if question.is_open],
        "wakeAt": None if run.wake_at is None else run.wake_at.isoformat(),
        "created_at": run.created_at.isoformat(),
        "updated_at": run.updated_at.isoformat(),
        "completed_at": None if run.completed_at is None else run.completed_at.isoformat(),
    }
    message = {"type": event.value, "timestamp": run.updated_at.isoformat(), "data": data}
    return to_json(message, inf_nan_mode="null").decode()


def _shorten_result(run: Ticket) -> tuple[JsonValue, bool]:
    """Returns the result, None if there is none or it is too long, and whether it is too long."""
    if run.status is not TicketStatus.COMPLETED or run.result is None:
        return None, False
    result = run.result.content if run.result.thoughts is None else run.result.thoughts
    too_long = len(to_json(result)) > MAX_RESULT_BYTES
    return (None, True) if too_long else (result, False)


def _describe_question(question: Question) -> JsonObject:
    return {
        "call": question.call,
        "question": shorten(question.text, _MAX_TEXT),
        "expires_at": None if question.expires_at is None else question.expires_at.isoformat(),
    }

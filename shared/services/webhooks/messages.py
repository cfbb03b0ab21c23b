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
"""The maximum length of an error, a question or its choices in a message, in characters."""
_MAX_QUESTIONS = 20
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
    questions: list[JsonValue] = [_describe_question(question) for question in run.questions if question.is_open]
    data: JsonObject = {
        "run_id": run.id,
        "agentId": run.agent_id,
        "friendlyName": None if run.model == run.agent_id else run.model,
        "status": run.status.value,
        "result": result,
        "resultOmitted": omitted,
        "error": None if run.error is None else shorten(run.error, _MAX_TEXT),
        "questions": questions[:_MAX_QUESTIONS],
        "wakeAt": None if run.wake_at is None else run.wake_at.isoformat(),
        "created_at": run.created_at.isoformat(),
        "updated_at": run.updated_at.isoformat(),
        "completed_at": None if run.completed_at is None else run.completed_at.isoformat(),
    }
    message = {"type": event.value, "timestamp": run.updated_at.isoformat(), "data": data}
    return to_json(message, inf_nan_mode="null").decode()


def _shorten_result(run: Ticket) -> tuple[JsonValue, bool]:
    """Returns the result, None if there is none or it is too long, and whether it is too long.

    An agent's result is stored twice, as the thoughts and as the text of an answer. If both together were too long to
    be stored, only the text is left.
    """
    if run.status is not TicketStatus.COMPLETED or run.result is None:
        return None, False
    size = max(len(to_json(run.result.thoughts)), len(run.result.content.encode()))
    return (None, True) if size > MAX_RESULT_BYTES else (run.result.thoughts, False)


def _describe_question(question: Question) -> JsonObject:
    choices = question.choices
    return {
        "call": question.call,
        "question": shorten(question.text, _MAX_TEXT),
        "choices": None if choices is None or sum(map(len, choices)) > _MAX_TEXT else list(choices),
        "expires_at": None if question.expires_at is None else question.expires_at.isoformat(),
    }

"""What the messages say about runs."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.models.chat import ChatResult
from shared.models.question import Question
from shared.models.ticket import Ticket
from shared.services.webhooks.messages import MAX_RESULT_BYTES, event_of, write_message
from tests.services.webhooks.hooks import make_result, make_run

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
LATER = NOW + timedelta(days=30)


def read(run: Ticket) -> dict[str, Any]:
    event = event_of(run)
    assert event is not None
    return json.loads(write_message(event, run))


def test_a_completed_run_has_its_result() -> None:
    """The names of the fields are those of `GET /runs/{id}`."""
    run = make_run().complete(make_result({"outputText": "hi"}), NOW)
    message = read(run)
    assert message == {
        "type": "run.completed",
        "timestamp": NOW.isoformat(),
        "data": {
            "run_id": run.id,
            "agentId": "agent-1",
            "friendlyName": "greeter",
            "status": "completed",
            "result": {"outputText": "hi"},
            "resultOmitted": False,
            "error": None,
            "questions": [],
            "wakeAt": None,
            "created_at": run.created_at.isoformat(),
            "updated_at": NOW.isoformat(),
            "completed_at": NOW.isoformat(),
        },
    }


def test_failed_and_cancelled_runs_have_no_result() -> None:
    """A failed run has its error."""
    failed = read(make_run().fail("The agent failed.", NOW))
    assert (failed["type"], failed["data"]["error"]) == ("run.failed", "The agent failed.")
    cancelled = read(make_run().cancel(make_result("half"), NOW))
    assert (cancelled["type"], cancelled["data"]["result"]) == ("run.cancelled", None)


def test_a_waiting_run_has_its_open_questions_or_its_time() -> None:
    """Questions that have been answered are left out."""
    asked = Question(call="2", text="Go on?", choices=["yes", "no"], asked_at=NOW, expires_at=NOW + timedelta(hours=1))
    answered = Question(call="1", text="Sure?", asked_at=NOW, answer="true")
    data = read(make_run().suspend(LATER, [answered, asked], NOW))["data"]
    expires_at = (NOW + timedelta(hours=1)).isoformat()
    assert data["questions"] == [
        {"call": "2", "question": "Go on?", "choices": ["yes", "no"], "expires_at": expires_at}
    ]
    asleep = read(make_run().suspend(NOW + timedelta(days=1), [], NOW))
    assert (asleep["type"], asleep["data"]["status"]) == ("run.waiting", "waiting")
    assert asleep["data"]["wakeAt"] == (NOW + timedelta(days=1)).isoformat()


@pytest.mark.parametrize("run", [make_run(), make_run().release(NOW), make_run().suspend(NOW, [], NOW)])
def test_other_states_are_no_events(run: Ticket) -> None:
    """A run that starts, continues, or has slept already, notifies nobody."""
    assert event_of(run) is None


def test_a_huge_result_is_left_out() -> None:
    """A result of 20 KB is included; a longer one is not, and the message says so."""
    fits = "é" * (MAX_RESULT_BYTES // 2 - 1)
    data = read(make_run().complete(make_result(fits), NOW))["data"]
    assert (data["result"], data["resultOmitted"]) == (fits, False)
    data = read(make_run().complete(make_result(fits + "é"), NOW))["data"]
    assert (data["result"], data["resultOmitted"]) == (None, True)


def test_a_result_that_was_too_long_to_store_is_left_out() -> None:
    """Then only its text is stored, and a note in the place of the result, which is no result."""
    stored = ChatResult(content="x" * 600_000, thoughts={"omitted": "…"}, model="gofannon/greeter")
    data = read(make_run().complete(stored, NOW))["data"]
    assert (data["result"], data["resultOmitted"]) == (None, True)


def test_an_agent_without_a_name_has_its_id() -> None:
    """A run that was started by the id of an agent without a friendly name has none."""
    data = read(make_run(model="agent-1").fail("No.", NOW))["data"]
    assert (data["agentId"], data["friendlyName"]) == ("agent-1", None)


def test_a_long_error_is_shortened() -> None:
    """So is a long question: a message stays small."""
    question = Question(call="1", text="?" * 100_000, choices=["!" * 100_000], asked_at=NOW)
    for run in (make_run().fail("x" * 100_000, NOW), make_run().suspend(LATER, [question], NOW)):
        event = event_of(run)
        assert event is not None
        assert len(write_message(event, run)) < 3000


@given(value=st.recursive(st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(), lambda v: st.lists(v)))
def test_every_result_is_readable(value: Any) -> None:
    """Any JSON value, also null, is written as it is."""
    run = make_run().complete(make_result(value), NOW)
    assert read(run)["data"]["result"] == value

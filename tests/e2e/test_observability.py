"""Tests that all log lines of a chat in the suite can be found by the request id."""

import json
from typing import Any
from uuid import uuid4

import pytest

from local_platform import processes
from local_platform.suite import Suite
from shared.log import LABELS_FIELD, TRACE_FIELD
from tests.doubles.model_server import Answer, Fail, ModelServer
from tests.e2e.conftest import Connect

pytestmark = pytest.mark.e2e

TRACE = "0af7651916cd43dd8448eb211c80319c"
PROMPT = "canary-in-the-prompt"


def _lines(suite: Suite, request_id: str) -> list[dict[str, Any]]:
    """Returns the log lines that contain the id, in the order in which they were written."""
    matching_lines = [line for line in suite.log.path.read_text(encoding="utf-8").splitlines() if request_id in line]
    return [json.loads(line.lstrip("> ")) for line in matching_lines]


def _summary(line: dict[str, Any]) -> str:
    """Returns the name of the function and the message of a log line."""
    return f"{line.get('function', '')} {line['message']}".strip()


def test_a_request_can_be_followed_to_its_charge(
    local_suite: Suite, connect: Connect, model_server: ModelServer
) -> None:
    """All log lines of a chat have one id and one trace, through Hosting, the queue, a failed call and a second
    attempt. The chat is charged once."""
    model_server.script(PROMPT, Fail(503), Answer("canary-in-the-answer"))
    request_id = f"followed-{uuid4()}"
    service = connect(local_suite.url)
    service.client.headers.update({"X-Request-Id": request_id, "traceparent": f"00-{TRACE}-b7ad6b7169203331-01"})
    accepted = service.chat(PROMPT)
    del service.client.headers["X-Request-Id"], service.client.headers["traceparent"]
    assert accepted.headers["X-Request-Id"] == request_id
    ticket_id = accepted.json()["ticket_id"]
    assert service.finished(ticket_id)["status"] == "completed"
    assert processes.wait_for(lambda: "worker POST / 204" in map(_summary, _lines(local_suite, request_id)), seconds=20)

    lines = _lines(local_suite, request_id)
    summaries = [_summary(line) for line in lines]
    assert summaries.count("chat POST /chat 200") == 1
    assert summaries[-1] == "worker POST / 204"
    assert summaries.count("worker POST / 425") == 1
    assert summaries.count("Charged") == 1
    assert {line[LABELS_FIELD]["request_id"] for line in lines} == {request_id}
    assert {line[TRACE_FIELD] for line in lines} == {f"projects/demo-agents/traces/{TRACE}"}
    assert ticket_id in {line.get("ticket") for line in lines}
    assert "canary-in-the" not in local_suite.log.path.read_text(encoding="utf-8")

"""Tests the events of chats through Hosting, and at the function's own address."""

import json
import time
from typing import Any

import httpx
import pytest

from local_platform.suite import Suite
from tests.doubles.model_server import Answer, ModelServer
from tests.e2e.conftest import Connect, Service

pytestmark = pytest.mark.e2e


def follow(client: httpx.Client, path: str) -> list[tuple[str, dict[str, Any]]]:
    """Watches a ticket until its end, continues after each response, and returns all events but those of the status."""
    events: list[tuple[str, dict[str, Any]]] = []
    cursor, name = "0", ""
    deadline = time.monotonic() + 60
    while not events or events[-1][0] != "done":
        assert time.monotonic() < deadline
        with client.stream("GET", path, headers={"Last-Event-ID": cursor}, params={"wait": 10}) as response:
            assert response.status_code == 200
            assert response.headers["content-type"].startswith("text/event-stream")
            for line in response.iter_lines():
                field, _, value = line.partition(": ")
                if field == "id":
                    cursor = value
                elif field == "event":
                    name = value
                elif field == "data" and name != "status":
                    events.append((name, json.loads(value)))
    return events


@pytest.mark.parametrize("address", ["hosting", "function"])
def test_a_chat_is_watched_until_its_end(
    local_suite: Suite, connect: Connect, model_server: ModelServer, address: str
) -> None:
    """A client that continues after its cursor gets the whole answer, and the ticket, at every address."""
    model_server.script(address, Answer("Grüße 👩‍🚀 from the model.", delay=2))
    service: Service = connect(local_suite.url)
    ticket_id = service.ticket(address, stream=True)
    if address == "hosting":
        events = follow(service.client, f"/api/chat/{ticket_id}/events")
    else:
        events = follow(connect(local_suite.function_url("chat")).client, f"/{ticket_id}/events")
    assert "".join(data.get("content", "") for name, data in events if name == "delta") == "Grüße 👩‍🚀 from the model."
    assert events[-1][1] == service.client.get(f"/api/chat/{ticket_id}").json()

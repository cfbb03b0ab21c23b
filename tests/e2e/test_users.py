"""Tests charges and allowances through Hosting, and the paths of other functions."""

import pytest

from local_platform.suite import Suite
from tests.doubles.model_server import Answer, ModelServer
from tests.e2e.conftest import Connect
from tests.e2e.test_authentication import sign_up

pytestmark = pytest.mark.e2e


def test_a_chat_is_charged_to_its_user(firebase_suite: Suite, connect: Connect, model_server: ModelServer) -> None:
    """After a chat, the user's profile shows the remaining amount and the usage entry. Other users' profiles do not
    change."""
    service = connect(firebase_suite.url, sign_up(firebase_suite))
    other = connect(firebase_suite.url, sign_up(firebase_suite))
    before = service.client.get("/api/users/me").json()
    assert before["basicInfo"]["email"].endswith("@example.com")
    model_server.script("charged", Answer("yes", prompt_tokens=1000, completion_tokens=1000))
    ticket = service.finished(service.ticket("charged"))
    after = service.client.get("/users/me").json()["usageInfo"]
    assert ticket["result"]["cost"] > 0
    assert after["spendRemaining"] == pytest.approx(100 - ticket["result"]["cost"], abs=1e-6)
    assert [entry["metadata"]["ticket_id"] for entry in after["usage"]] == [ticket["ticket_id"]]
    assert other.client.get("/api/users/me").json()["usageInfo"]["spendRemaining"] == 100


def test_a_spent_allowance_is_402(firebase_suite: Suite, connect: Connect) -> None:
    """A user who has spent the allowance gets a 402 for a chat. Only a reset, or an amount up to the ceiling, restores
    it."""
    service = connect(firebase_suite.url, sign_up(firebase_suite))
    assert service.client.put("/api/users/me/spend-remaining", json={"spendRemaining": 0}).status_code == 200
    assert service.chat("no money").status_code == 402
    assert service.client.put("/api/users/me/spend-remaining", json={"spendRemaining": 101}).status_code == 403
    assert service.client.post("/api/users/me/reset-allowance").status_code == 200
    assert service.chat("money").status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "/log/client", {"eventType": "e", "message": "m"}, 202),
        ("POST", "/sessions/s/config", {"provider": "openai", "model": "gpt-4.1-mini"}, 200),
        ("GET", "/sessions/s/config", None, 200),
        ("DELETE", "/sessions/s", None, 200),
        ("GET", "/admin/users", None, 401),
        ("PUT", "/admin/users/u", {}, 401),
    ],
)
def test_the_other_functions_respond_at_both_paths(
    local_suite: Suite, connect: Connect, method: str, path: str, body: object, status: int
) -> None:
    """The other functions can be reached with and without Hosting's prefix in the path."""
    client = connect(local_suite.url).client
    if path.startswith("/sessions"):
        client.post("/sessions/s/config", json={"provider": "openai", "model": "gpt-4.1-mini"})
    assert client.request(method, f"/api{path}", json=body).status_code == status
    if method != "DELETE":
        assert client.request(method, path, json=body).status_code == status


def test_the_sweep_can_be_called(local_suite: Suite) -> None:
    """The sweep responds at its own address."""
    assert local_suite.sweep()

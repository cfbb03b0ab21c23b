"""Each test run has its own Firestore emulator, which is stopped afterwards."""

import base64
import http.client
import json
import os
from collections.abc import Iterator

import pytest

from local_platform import processes
from local_platform.firestore_emulator import firestore_emulator
from local_platform.firestore_jar import is_answering
from local_platform.layout import LAYOUT

DOCUMENTS = "/v1/projects/demo-agents/databases/(default)/documents"


@pytest.fixture(scope="module")
def host() -> Iterator[str]:
    """Starts a new emulator with the security rules, even if another one is running."""
    environ = {name: value for name, value in os.environ.items() if name != "FIRESTORE_EMULATOR_HOST"}
    with firestore_emulator(with_rules=True, environ=environ) as host:
        yield host
    assert not is_answering(host)


def _request(host: str, method: str, path: str, body: object = None, *, token: str | None = None) -> int:
    connection = http.client.HTTPConnection(host, timeout=10)
    headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
    connection.request(method, DOCUMENTS + path, json.dumps(body) if body else None, headers)
    status = connection.getresponse().status
    connection.close()
    return status


def test_the_security_rules_apply_to_callers_but_not_to_the_service(host: str) -> None:
    """An anonymous caller may neither read nor write. The service has the owner's token and may do both."""
    ticket = {"fields": {"owner": {"stringValue": "alice"}}}
    assert _request(host, "PATCH", "/tickets/t", ticket) == 403
    assert _request(host, "PATCH", "/tickets/t", ticket, token="owner") == 200
    assert _request(host, "GET", "/tickets/t") == 403
    assert _request(host, "GET", "/tickets/t", token="owner") == 200


def _create_token(uid: str) -> str:
    """Returns an unsigned ID token, which the emulator accepts."""
    parts = [{"alg": "none"}, {"sub": uid, "user_id": uid, "aud": "demo-agents"}]
    return ".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts) + "."


@pytest.mark.parametrize(
    ("path", "alice", "bob"),
    [("/tickets/t", 200, 403), ("/users/alice", 200, 403), ("/tickets", 403, 403), ("/requests/t", 403, 403)],
)
def test_users_can_read_only_their_own_documents(host: str, path: str, alice: int, bob: int) -> None:
    """A user can read their own tickets and user document, but can neither list tickets nor read other documents."""
    for document in ("/tickets/t", "/users/alice", "/requests/t"):
        _request(host, "PATCH", document, {"fields": {"owner": {"stringValue": "alice"}}}, token="owner")
    assert _request(host, "GET", path, token=_create_token("alice")) == alice
    assert _request(host, "GET", path, token=_create_token("bob")) == bob
    assert _request(host, "PATCH", "/users/alice", {"fields": {}}, token=_create_token("alice")) == 403


def test_a_running_emulator_is_used_and_left_running(host: str) -> None:
    """The emulator that FIRESTORE_EMULATOR_HOST names is used, and still runs afterwards."""
    with firestore_emulator(environ={"FIRESTORE_EMULATOR_HOST": host}) as used:
        assert used == host
    assert is_answering(host)


def test_the_emulator_is_marked_as_owned_by_this_test_run(host: str) -> None:
    """The mark lets the next test run stop the emulator if this one is killed."""
    owned = [entry for entry in processes.find_marked(LAYOUT.local / "firestore") if entry.owner_pid == os.getpid()]
    assert owned
    assert not owned[0].is_orphan

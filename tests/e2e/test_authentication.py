"""`APP_ENV=firebase`: real ID tokens of the Auth emulator, and access to data."""

import base64
import json
import time
from typing import Any
from uuid import uuid4

import httpx
import pytest

from local_platform.suite import Suite
from tests.e2e.conftest import Connect

pytestmark = pytest.mark.e2e


def sign_up(suite: Suite) -> str:
    """Creates a user, and returns an ID token."""
    url = f"{suite.auth_url}/identitytoolkit.googleapis.com/v1/accounts:signUp?key=any"
    user = {"email": f"{uuid4().hex}@example.com", "password": "a-password", "returnSecureToken": True}
    response = httpx.post(url, json=user, trust_env=False)
    token: str = response.raise_for_status().json()["idToken"]
    return token


def altered(token: str, **claims: Any) -> str:
    """Returns the token with other claims. The emulator's tokens are unsigned, so nothing else differs."""
    header, payload, signature = token.split(".")
    old = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    new = base64.urlsafe_b64encode(json.dumps({**old, **claims}).encode()).rstrip(b"=").decode()
    return f"{header}.{new}.{signature}"


def test_a_real_token_is_accepted_and_its_ticket_is_private(firebase_suite: Suite, connect: Connect) -> None:
    """A token's user gets the chat's answer; for another user, the ticket does not exist."""
    mine = connect(firebase_suite.url, sign_up(firebase_suite))
    ticket_id = mine.ticket("mine")
    assert mine.finished(ticket_id)["result"]["content"] == "You said: mine"
    other = connect(firebase_suite.url, sign_up(firebase_suite))
    response = other.client.get(f"/api/chat/{ticket_id}")
    assert (response.status_code, response.json()) == (404, {"detail": "There is no such ticket."})


@pytest.mark.parametrize("kind", ["none", "malformed", "expired", "another project's"])
def test_any_other_token_is_401(firebase_suite: Suite, connect: Connect, kind: str) -> None:
    """Every route that needs a user returns an error in the contract's shape."""
    good = sign_up(firebase_suite)
    token = {
        "none": None,
        "malformed": good[:-20].replace(".", "", 1),
        "expired": altered(good, exp=int(time.time()) - 5),
        "another project's": altered(good, aud="demo-other", iss="https://securetoken.google.com/demo-other"),
    }[kind]
    service = connect(firebase_suite.url, token)
    for response in (
        service.chat("hi"),
        service.client.get(f"/chat/{uuid4()}"),
        service.client.get("/api/providers"),
    ):
        assert response.status_code == 401
        assert set(response.json()) == {"detail"}


def test_a_disabled_users_token_is_refused(firebase_suite: Suite, connect: Connect) -> None:
    """A token that is older than the setting's time is checked with the Auth emulator; a newer one is valid."""
    fresh = sign_up(firebase_suite)
    before = int(time.time()) - 600
    old = altered(fresh, iat=before, auth_time=before)
    assert connect(firebase_suite.url, fresh).client.get("/api/users/me").status_code == 200
    payload = fresh.split(".")[1]
    uid = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))["sub"]
    url = f"{firebase_suite.auth_url}/identitytoolkit.googleapis.com/v1/projects/demo-agents/accounts:update"
    disable = {"localId": uid, "disableUser": True}
    httpx.post(url, json=disable, headers={"Authorization": "Bearer owner"}, trust_env=False).raise_for_status()
    refused = connect(firebase_suite.url, old).client.get("/api/users/me")
    assert (refused.status_code, refused.json()) == (401, {"detail": "This account is disabled."})


def test_health_is_public(firebase_suite: Suite, connect: Connect) -> None:
    """Probes send no token."""
    assert connect(firebase_suite.url).client.get("/health").status_code == 200


def test_a_browser_may_read_its_own_ticket_and_nothing_else(firebase_suite: Suite, connect: Connect) -> None:
    """The security rules let users get their own tickets, but not list or write tickets, or get others'."""
    token, other = sign_up(firebase_suite), sign_up(firebase_suite)
    service = connect(firebase_suite.url, token)
    ticket_id = service.ticket("watched")
    service.finished(ticket_id)
    documents = (
        f"http://{firebase_suite.env['FIRESTORE_EMULATOR_HOST']}/v1/projects/demo-agents/databases/(default)/documents"
    )

    def status(method: str, path: str, bearer: str | None) -> int:
        headers = {} if bearer is None else {"Authorization": f"Bearer {bearer}"}
        body = {"fields": {"owner": {"stringValue": "me"}}} if method in ("POST", "PATCH") else None
        return httpx.request(method, f"{documents}{path}", headers=headers, json=body, trust_env=False).status_code

    assert status("GET", f"/tickets/{ticket_id}", token) == 200
    refused = [
        ("GET", f"/tickets/{ticket_id}", other),
        ("GET", f"/tickets/{ticket_id}", None),
        ("GET", "/tickets", token),
        ("GET", f"/requests/{ticket_id}", token),
        ("PATCH", f"/tickets/{ticket_id}", token),
        ("DELETE", f"/tickets/{ticket_id}", token),
        ("POST", "/tickets", token),
        ("POST", "/anything", token),
    ]
    assert {status(*attempt) for attempt in refused} == {403}

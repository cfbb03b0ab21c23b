"""Tests authentication with real ID tokens from the Auth emulator (`APP_ENV=firebase`), and access to data."""

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


def with_claims(token: str, **claims: Any) -> str:
    """Returns the token with these claims replaced. The emulator's tokens are unsigned, so the signature stays
    valid."""
    header, payload, signature = token.split(".")
    old = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    new = base64.urlsafe_b64encode(json.dumps({**old, **claims}).encode()).rstrip(b"=").decode()
    return f"{header}.{new}.{signature}"


def test_a_real_token_is_accepted_and_its_ticket_is_private(firebase_suite: Suite, connect: Connect) -> None:
    """The user of the token gets the chat's answer. For another user, the ticket does not exist."""
    mine = connect(firebase_suite.url, sign_up(firebase_suite))
    ticket_id = mine.ticket("mine")
    assert mine.finished(ticket_id)["result"]["content"] == "You said: mine"
    other = connect(firebase_suite.url, sign_up(firebase_suite))
    response = other.client.get(f"/api/chat/{ticket_id}")
    assert (response.status_code, response.json()) == (404, {"detail": "There is no such ticket."})


@pytest.mark.parametrize("description", ["none", "malformed", "expired", "another project's"])
def test_any_other_token_is_401(firebase_suite: Suite, connect: Connect, description: str) -> None:
    """With any other token or none, every route that requires a user returns a 401 in the documented shape."""
    valid_token = sign_up(firebase_suite)
    token = {
        "none": None,
        "malformed": valid_token[:-20].replace(".", "", 1),
        "expired": with_claims(valid_token, exp=int(time.time()) - 5),
        "another project's": with_claims(
            valid_token, aud="demo-other", iss="https://securetoken.google.com/demo-other"
        ),
    }[description]
    service = connect(firebase_suite.url, token)
    for response in (
        service.chat("hi"),
        service.client.get(f"/chat/{uuid4()}"),
        service.client.get("/api/providers"),
    ):
        assert response.status_code == 401
        assert set(response.json()) == {"detail"}


def test_a_disabled_users_token_is_refused(firebase_suite: Suite, connect: Connect) -> None:
    """If a token is older than the configured interval, the Auth emulator is asked whether its user is disabled."""
    new_token = sign_up(firebase_suite)
    before = int(time.time()) - 600
    old = with_claims(new_token, iat=before, auth_time=before)
    assert connect(firebase_suite.url, new_token).client.get("/api/users/me").status_code == 200
    payload = new_token.split(".")[1]
    uid = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))["sub"]
    url = f"{firebase_suite.auth_url}/identitytoolkit.googleapis.com/v1/projects/demo-agents/accounts:update"
    disable = {"localId": uid, "disableUser": True}
    httpx.post(url, json=disable, headers={"Authorization": "Bearer owner"}, trust_env=False).raise_for_status()
    refused = connect(firebase_suite.url, old).client.get("/api/users/me")
    assert (refused.status_code, refused.json()) == (401, {"detail": "This account is disabled."})


def test_health_is_public(firebase_suite: Suite, connect: Connect) -> None:
    """The health check works without a token, because probes send none."""
    assert connect(firebase_suite.url).client.get("/health").status_code == 200


def test_a_browser_can_read_only_the_users_own_tickets(firebase_suite: Suite, connect: Connect) -> None:
    """The security rules let users read their own tickets, but not list or write tickets, or read those of other
    users."""
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

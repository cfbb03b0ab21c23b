"""Who is let in. The tokens are as the Auth emulator makes them: unsigned, and believed under its variable only."""

import base64
import time
from typing import Any

import firebase_admin
import httpx
import pytest
from fastapi import APIRouter, Request
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.settings import Settings
from shared.web import CurrentCaller, StrictJsonRoute, create_app
from tests import tokens

PROJECT = "demo-auth-test"
router = APIRouter(route_class=StrictJsonRoute)


@router.get("/me")
async def me(caller: CurrentCaller, request: Request) -> dict[str, Any]:
    return {"uid": caller.uid, "user": request.state.user}


def token(header: dict[str, Any] | None = None, signature: str = "", **claims: Any) -> str:
    return tokens.token(PROJECT, "user-1", header, signature, **claims)


async def ask(app_env: str, authorization: str | bytes | None) -> httpx.Response:
    app = create_app("users", router, Settings(app_env=app_env, google_cloud_project=PROJECT))
    text = authorization.encode() if isinstance(authorization, str) else authorization
    headers = {} if text is None else {b"Authorization": text}
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
        return await client.get("/me", headers=headers)


@pytest.fixture(autouse=True)
def emulator_tokens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FIREBASE_AUTH_EMULATOR_HOST", "127.0.0.1:9")
    forget_firebase()


def forget_firebase() -> None:
    for app in list(firebase_admin._apps.values()):  # pyright: ignore[reportPrivateUsage]
        firebase_admin.delete_app(app)


@pytest.mark.parametrize("authorization", [None, "Bearer nonsense"])
async def test_outside_of_firebase_everybody_is_the_local_user(authorization: str | None) -> None:
    """With or without a token, which is not looked at."""
    response = await ask("local", authorization)
    assert response.json()["uid"] == "local-dev-user"


@pytest.mark.parametrize("scheme", ["Bearer", "bearer"])
async def test_a_good_token_is_let_in(scheme: str) -> None:
    """The decoded user is on the request, as the service's text promises."""
    response = await ask("firebase", f"{scheme} {token(admin=True)}")
    assert response.status_code == 200
    assert response.json()["uid"] == "user-1"
    assert response.json()["user"]["admin"] is True


BAD = {
    "none": None,
    "empty": "",
    "no token": "Bearer",
    "only blanks": "Bearer   ",
    "another scheme": "Basic dXNlcjpwYXNz",
    "no jwt": "Bearer nonsense",
    "two parts": "Bearer a.b",
    "no json": "Bearer !!!.???.",
    "unicode": "Bearer tökén".encode(),
    "long": "Bearer " + "x" * 10_000,
    "expired": f"Bearer {token(exp=int(time.time()) - 1)}",
    "another project's": f"Bearer {token(aud='other', iss='https://securetoken.google.com/other')}",
    "another issuer's": f"Bearer {token(iss='https://accounts.google.com')}",
    "without an expiry": f"Bearer {token(exp=None)}",
    "with an odd expiry": f"Bearer {token(exp='tomorrow')}",
    "with a textual expiry": f"Bearer {token(exp=str(int(time.time()) + 3600))}",
    "with an endless expiry": f"Bearer {token(exp=float('inf'))}",
    "with no number for an expiry": f"Bearer {token(exp=float('nan'))}",
    "with a truth for an expiry": f"Bearer {token(exp=True)}",
    "with a textual time of issue": f"Bearer {token(iat='now')}",
    "without a time of issue": f"Bearer {token(iat=None)}",
    "with a textual time of sign-in": f"Bearer {token(auth_time='now')}",
    "issued in an hour": f"Bearer {token(iat=int(time.time()) + 3600)}",
    "of a sign-in in an hour": f"Bearer {token(auth_time=int(time.time()) + 3600)}",
    "half a surrogate for a user": f"Bearer {token(sub=chr(0xD800))}",
    "half a surrogate for a name": f"Bearer {token(name=chr(0xDC00))}",
    "half a surrogate, deep inside": f"Bearer {token(firebase={'identities': [chr(0xD800)]})}",
    "a number for a user": f"Bearer {token(sub=7)}",
    "an object for a user": f"Bearer {token(sub={'a': 1})}",
    "a path for a user": f"Bearer {token(sub='u1/usage/x')}",
    "dots for a user": f"Bearer {token(sub='..')}",
    "a long user": f"Bearer {token(sub='x' * 129)}",
    "a number for a name": f"Bearer {token(name=7)}",
    "a list for an address": f"Bearer {token(email=['a@b.example'])}",
    "a list for an audience": f"Bearer {token(aud=[PROJECT])}",
    "an object for an issuer": f"Bearer {token(iss={})}",
    "a list for claims": f"Bearer {tokens.part({'alg': 'none'})}.{tokens.part([1])}.",
    "a text for claims": f"Bearer {tokens.part({'alg': 'none'})}.{tokens.part('x')}.",
    "a list for a header": f"Bearer {tokens.part([])}.{tokens.part({})}.",
    "claims without end": f"Bearer {tokens.part({'alg': 'none'})}.{base64.urlsafe_b64encode(b'[' * 50_000).decode()}.",
    "bytes for claims": f"Bearer {tokens.part({'alg': 'none'})}.{base64.urlsafe_b64encode(b'{%c}' % 255).decode()}.",
    "nobody's": f"Bearer {token(sub='')}",
    "a list for a user": f"Bearer {token(sub=['user-1'])}",
}


@pytest.mark.parametrize("authorization", BAD.values(), ids=BAD.keys())
async def test_any_other_token_is_401(authorization: str | bytes | None) -> None:
    """In the contract's shape, with what to do, and with the challenge that HTTP asks for."""
    response = await ask("firebase", authorization)
    assert response.status_code == 401
    assert set(response.json()) == {"detail"}
    assert isinstance(response.json()["detail"], str)
    assert response.headers["www-authenticate"] == "Bearer"


ODD = {
    "a list for a key": {"alg": "RS256", "kid": ["x"]},
    "a number for an algorithm": {"alg": 7, "kid": "x"},
    "a legacy token's": {"alg": "HS256"},
}


@pytest.mark.parametrize("header", ODD.values(), ids=ODD.keys())
async def test_an_odd_header_is_401_where_tokens_are_signed(
    monkeypatch: pytest.MonkeyPatch, header: dict[str, Any]
) -> None:
    """Whatever a library does with it."""
    monkeypatch.delenv("FIREBASE_AUTH_EMULATOR_HOST")
    forget_firebase()
    response = await ask("firebase", f"Bearer {token(header, 'c2ln', v=0, d=7)}")
    assert response.status_code in (401, 503)
    assert set(response.json()) == {"detail"}


@pytest.mark.parametrize("claim", ["iat", "auth_time"])
async def test_a_clock_that_is_a_few_seconds_ahead_is_tolerated(claim: str) -> None:
    """Auth's and ours are never the same."""
    ahead: dict[str, Any] = {claim: int(time.time()) + 5}
    assert (await ask("firebase", f"Bearer {token(**ahead)}")).status_code == 200


@given(
    name=st.sampled_from(["sub", "user_id", "iat", "exp", "auth_time", "name", "email", "picture", "firebase", "x"]),
    value=st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=20),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
        max_leaves=5,
    ),
)
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_no_claim_is_a_fault_of_ours(name: str, value: Any) -> None:
    """Whatever its value: let in, with claims that can be stored and answered, or 401."""
    claims: dict[str, Any] = {name: value}
    assert (await ask("firebase", f"Bearer {token(**claims)}")).status_code in (200, 401)


@pytest.mark.parametrize("alg", ["none", "HS256"])
async def test_without_the_emulator_an_unsigned_token_is_worth_nothing(
    monkeypatch: pytest.MonkeyPatch, alg: str
) -> None:
    """What the emulator's variable allows, its absence forbids; the network is not asked."""
    monkeypatch.delenv("FIREBASE_AUTH_EMULATOR_HOST")
    forget_firebase()
    response = await ask("firebase", f"Bearer {token({'alg': alg, 'typ': 'JWT', 'kid': 'x'}, 'c2ln')}")
    assert response.status_code == 401


async def test_when_certificates_cannot_be_fetched_it_is_503(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not the caller's fault: to be tried again. (Outside network is refused here.)"""
    monkeypatch.delenv("FIREBASE_AUTH_EMULATOR_HOST")
    forget_firebase()
    response = await ask("firebase", f"Bearer {token({'alg': 'RS256', 'typ': 'JWT', 'kid': 'x'}, 'c2ln')}")
    assert response.status_code == 503

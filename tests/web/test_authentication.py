"""Tests authentication. The tokens are those of the Auth emulator: unsigned, and valid only if its variable is set."""

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
from shared.web import StrictJsonRoute, create_app
from shared.web.authentication import CurrentCaller
from tests import tokens

PROJECT = "demo-auth-test"
router = APIRouter(route_class=StrictJsonRoute)


@router.get("/me")
async def me(caller: CurrentCaller, request: Request) -> dict[str, Any]:
    return {"uid": caller.uid, "user": request.state.user}


def token(header: dict[str, Any] | None = None, signature: str = "", **claims: Any) -> str:
    return tokens.token(PROJECT, "user-1", header, signature, **claims)


async def call(app_env: str, authorization: str | bytes | None) -> httpx.Response:
    app = create_app("users", router, Settings(app_env=app_env, google_cloud_project=PROJECT))
    text = authorization.encode() if isinstance(authorization, str) else authorization
    headers = {} if text is None else {b"Authorization": text}
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
        return await client.get("/me", headers=headers)


@pytest.fixture(autouse=True)
def emulator_tokens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FIREBASE_AUTH_EMULATOR_HOST", "127.0.0.1:9")
    delete_firebase_apps()


def delete_firebase_apps() -> None:
    for app in list(firebase_admin._apps.values()):  # pyright: ignore[reportPrivateUsage]
        firebase_admin.delete_app(app)


@pytest.mark.parametrize("authorization", [None, "Bearer nonsense"])
async def test_in_local_mode_every_caller_is_the_local_user(authorization: str | None) -> None:
    """Unless the service runs in Firebase mode, a token is neither required nor read."""
    response = await call("local", authorization)
    assert response.json()["uid"] == "local-dev-user"


@pytest.mark.parametrize("scheme", ["Bearer", "bearer"])
async def test_a_valid_token_is_accepted(scheme: str) -> None:
    """A valid token is accepted, and its claims are in `request.state.user`, as the specification requires."""
    response = await call("firebase", f"{scheme} {token(admin=True)}")
    assert response.status_code == 200
    assert response.json()["uid"] == "user-1"
    assert response.json()["user"]["admin"] is True


INVALID_TOKENS = {
    "none": None,
    "empty": "",
    "no token": "Bearer",
    "only spaces": "Bearer   ",
    "another scheme": "Basic dXNlcjpwYXNz",
    "not a jwt": "Bearer nonsense",
    "two parts": "Bearer a.b",
    "not json": "Bearer !!!.???.",
    "unicode": "Bearer tökén".encode(),
    "long": "Bearer " + "x" * 10_000,
    "expired": f"Bearer {token(exp=int(time.time()) - 1)}",
    "another project's": f"Bearer {token(aud='other', iss='https://securetoken.google.com/other')}",
    "another issuer's": f"Bearer {token(iss='https://accounts.google.com')}",
    "without an expiry": f"Bearer {token(exp=None)}",
    "with text as expiry": f"Bearer {token(exp='tomorrow')}",
    "with a string as expiry": f"Bearer {token(exp=str(int(time.time()) + 3600))}",
    "with an infinite expiry": f"Bearer {token(exp=float('inf'))}",
    "with NaN as expiry": f"Bearer {token(exp=float('nan'))}",
    "with a boolean as expiry": f"Bearer {token(exp=True)}",
    "with a string as issue time": f"Bearer {token(iat='now')}",
    "without an issue time": f"Bearer {token(iat=None)}",
    "with a string as sign-in time": f"Bearer {token(auth_time='now')}",
    "issued in an hour": f"Bearer {token(iat=int(time.time()) + 3600)}",
    "with a sign-in time in an hour": f"Bearer {token(auth_time=int(time.time()) + 3600)}",
    "a lone surrogate as user": f"Bearer {token(sub=chr(0xD800))}",
    "a lone surrogate as name": f"Bearer {token(name=chr(0xDC00))}",
    "a nested lone surrogate": f"Bearer {token(firebase={'identities': [chr(0xD800)]})}",
    "a number as user": f"Bearer {token(sub=7)}",
    "an object as user": f"Bearer {token(sub={'a': 1})}",
    "a path as user": f"Bearer {token(sub='u1/usage/x')}",
    "dots as user": f"Bearer {token(sub='..')}",
    "a long user": f"Bearer {token(sub='x' * 129)}",
    "a number as name": f"Bearer {token(name=7)}",
    "a list as address": f"Bearer {token(email=['a@b.example'])}",
    "a list as audience": f"Bearer {token(aud=[PROJECT])}",
    "an object as issuer": f"Bearer {token(iss={})}",
    "a list as claims": f"Bearer {tokens.part({'alg': 'none'})}.{tokens.part([1])}.",
    "a string as claims": f"Bearer {tokens.part({'alg': 'none'})}.{tokens.part('x')}.",
    "a list as header": f"Bearer {tokens.part([])}.{tokens.part({})}.",
    "nested claims": f"Bearer {tokens.part({'alg': 'none'})}.{base64.urlsafe_b64encode(b'[' * 50_000).decode()}.",
    "bytes as claims": f"Bearer {tokens.part({'alg': 'none'})}.{base64.urlsafe_b64encode(b'{%c}' % 255).decode()}.",
    "an empty user": f"Bearer {token(sub='')}",
    "a list as user": f"Bearer {token(sub=['user-1'])}",
}


@pytest.mark.parametrize("authorization", INVALID_TOKENS.values(), ids=INVALID_TOKENS.keys())
async def test_any_other_token_is_401(authorization: str | bytes | None) -> None:
    """An invalid token gets a 401 in the usual format, with the challenge that HTTP requires."""
    response = await call("firebase", authorization)
    assert response.status_code == 401
    assert set(response.json()) == {"detail"}
    assert isinstance(response.json()["detail"], str)
    assert response.headers["www-authenticate"] == "Bearer"


INVALID_HEADERS = {
    "a list as key": {"alg": "RS256", "kid": ["x"]},
    "a number as algorithm": {"alg": 7, "kid": "x"},
    "a legacy token": {"alg": "HS256"},
}


@pytest.mark.parametrize("header", INVALID_HEADERS.values(), ids=INVALID_HEADERS.keys())
async def test_an_invalid_header_is_401_when_tokens_are_signed(
    monkeypatch: pytest.MonkeyPatch, header: dict[str, Any]
) -> None:
    """A token with an invalid header gets an error in the usual format, whatever the library does with the header."""
    monkeypatch.delenv("FIREBASE_AUTH_EMULATOR_HOST")
    delete_firebase_apps()
    response = await call("firebase", f"Bearer {token(header, 'c2ln', v=0, d=7)}")
    assert response.status_code in (401, 503)
    assert set(response.json()) == {"detail"}


@pytest.mark.parametrize("claim", ["iat", "auth_time"])
async def test_a_clock_that_is_a_few_seconds_ahead_is_tolerated(claim: str) -> None:
    """A token that was issued a few seconds in the future is valid, because clocks differ slightly."""
    future_claim: dict[str, Any] = {claim: int(time.time()) + 5}
    assert (await call("firebase", f"Bearer {token(**future_claim)}")).status_code == 200


@given(
    name=st.sampled_from(["sub", "user_id", "iat", "exp", "auth_time", "name", "email", "picture", "firebase", "x"]),
    value=st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=20),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
        max_leaves=5,
    ),
)
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_no_claim_causes_an_internal_error(name: str, value: Any) -> None:
    """Whatever the value of a claim, the token is either accepted, if the value can be stored, or gets a 401."""
    claims: dict[str, Any] = {name: value}
    assert (await call("firebase", f"Bearer {token(**claims)}")).status_code in (200, 401)


@pytest.mark.parametrize("alg", ["none", "HS256"])
async def test_without_the_emulator_an_unsigned_token_is_refused(monkeypatch: pytest.MonkeyPatch, alg: str) -> None:
    """Without the emulator's variable, unsigned tokens are refused, and this requires no network access."""
    monkeypatch.delenv("FIREBASE_AUTH_EMULATOR_HOST")
    delete_firebase_apps()
    response = await call("firebase", f"Bearer {token({'alg': alg, 'typ': 'JWT', 'kid': 'x'}, 'c2ln')}")
    assert response.status_code == 401


async def test_without_certificates_a_token_is_503(monkeypatch: pytest.MonkeyPatch) -> None:
    """If the certificates cannot be fetched, the response is a 503, so the caller can retry. Tests have no network
    access."""
    monkeypatch.delenv("FIREBASE_AUTH_EMULATOR_HOST")
    delete_firebase_apps()
    response = await call("firebase", f"Bearer {token({'alg': 'RS256', 'typ': 'JWT', 'kid': 'x'}, 'c2ln')}")
    assert response.status_code == 503

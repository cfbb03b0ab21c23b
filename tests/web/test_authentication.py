"""Who is let in. The tokens are as the Auth emulator makes them: unsigned, and believed under its variable only."""

import time
from typing import Any

import firebase_admin
import httpx
import pytest
from fastapi import APIRouter, Request

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

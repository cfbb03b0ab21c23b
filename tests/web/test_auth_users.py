"""Users who may not sign in any more, and tokens that were revoked. The clock is the test's."""

import asyncio
import time
from collections.abc import Iterator
from typing import Any

import firebase_admin
import httpx
import pytest
from fastapi import APIRouter

from shared.models.errors import Unauthenticated, Unavailable
from shared.settings import Settings
from shared.web import CallerIfAny, CurrentCaller, create_app
from shared.web.auth_users import MAX_REMEMBERED, PAUSE_SECONDS, AuthUser, AuthUserChecks
from tests import tokens
from tests.doubles.auth_server import AuthServer

HOUR, MINUTES = 3600.0, 300.0
START = 1_800_000_000.0
GOOD = AuthUser(exists=True)


class Auth:
    """Answers as told, and counts."""

    def __init__(self) -> None:
        self.users: dict[str, AuthUser] = {}
        self.asked: list[str] = []
        self.out = False
        self.now = START

    def ask(self, uid: str) -> AuthUser:
        self.asked.append(uid)
        if self.out:
            raise ConnectionError("no answer")
        return self.users.get(uid, GOOD)


@pytest.fixture
def auth() -> Auth:
    return Auth()


@pytest.fixture
def checks(auth: Auth) -> AuthUserChecks:
    return AuthUserChecks(auth.ask, MINUTES, lambda: auth.now)


async def allowed(checks: AuthUserChecks, issued: float, uid: str = "u", strict: bool = False) -> bool:
    try:
        await checks.check(uid, issued, strict)
    except Unauthenticated:
        return False
    return True


@pytest.mark.parametrize(
    "state", [AuthUser(exists=False), AuthUser(True, disabled=True), AuthUser(True, valid_since=START + 1)]
)
async def test_who_may_not_sign_in_any_more_is_out_within_the_time(
    auth: Auth, checks: AuthUserChecks, state: AuthUser
) -> None:
    """Deleted, disabled, or signed out everywhere: at most the setting's time after it, with any older token."""
    issued = START
    assert await allowed(checks, issued)
    auth.now += 200
    auth.users["u"] = state
    auth.now += MINUTES
    assert not await allowed(checks, issued)
    assert not await allowed(checks, issued)


async def test_auth_is_not_asked_at_each_request(auth: Auth, checks: AuthUserChecks) -> None:
    """Never of a fresh token, and of an old one once in the time, however many requests there are."""
    for _ in range(10):
        assert await allowed(checks, START - 10)
    assert auth.asked == []
    auth.now += 2 * MINUTES
    for _ in range(10):
        assert await allowed(checks, START)
    assert auth.asked == ["u"]
    auth.now += MINUTES
    await allowed(checks, START)
    assert auth.asked == ["u", "u"]


async def test_requests_at_the_same_time_ask_once(auth: Auth, checks: AuthUserChecks) -> None:
    """A page that sends twenty at its start."""
    assert all(await asyncio.gather(*(allowed(checks, START - HOUR / 2) for _ in range(20))))
    assert auth.asked == ["u"]


async def test_a_token_that_was_issued_since_counts(auth: Auth, checks: AuthUserChecks) -> None:
    """Who was disabled, is enabled again and signs in anew, is in at once; the old token stays out."""
    auth.users["u"] = AuthUser(True, disabled=True)
    old = START - 2 * MINUTES
    assert not await allowed(checks, old)
    auth.users["u"] = AuthUser(True, valid_since=START + 10)
    auth.now += 20
    assert await allowed(checks, START + 15)
    assert not await allowed(checks, old)


async def test_a_clock_that_is_ahead_gives_no_more_time(auth: Auth, checks: AuthUserChecks) -> None:
    """A token issued "in the future" is no fresher than now."""
    assert await allowed(checks, START + 9)
    auth.users["u"] = AuthUser(True, disabled=True)
    auth.now += MINUTES + 9
    assert not await allowed(checks, START + 9)


async def test_while_auth_is_out_users_stay_and_administrators_wait(auth: Auth, checks: AuthUserChecks) -> None:
    """A token holds until it expires; who may do anything does not get in unchecked. Auth is left alone for a while."""
    auth.out = True
    assert await allowed(checks, START - HOUR / 2)
    with pytest.raises(Unavailable):
        await checks.check("admin", START - HOUR / 2, strict=True)
    assert await allowed(checks, START - HOUR / 2, "other")
    assert auth.asked == ["u"]
    auth.now += PAUSE_SECONDS
    auth.out = False
    assert await allowed(checks, START - HOUR / 2, "admin", strict=True)
    assert await allowed(checks, START - HOUR / 2)
    assert auth.asked == ["u", "admin", "u"]


async def test_while_auth_is_out_the_last_answer_counts(auth: Auth, checks: AuthUserChecks) -> None:
    """Whoever was known to be disabled does not get in by it."""
    auth.users["u"] = AuthUser(True, disabled=True)
    assert not await allowed(checks, START - HOUR / 2)
    auth.out = True
    auth.now += 2 * MINUTES
    assert not await allowed(checks, START - HOUR / 2)


async def test_what_is_remembered_is_bounded(auth: Auth, checks: AuthUserChecks) -> None:
    """The oldest are forgotten, and asked about again."""
    for number in range(MAX_REMEMBERED + 1):
        await checks.check(f"u{number}", START - HOUR / 2, strict=False)
    auth.asked.clear()
    await checks.check(f"u{MAX_REMEMBERED}", START - HOUR / 2, strict=False)
    assert auth.asked == []
    await checks.check("u0", START - HOUR / 2, strict=False)
    assert auth.asked == ["u0"]


async def test_it_can_be_switched_off(auth: Auth) -> None:
    """0: tokens hold until they expire."""
    auth.users["u"] = AuthUser(exists=False)
    assert await allowed(AuthUserChecks(auth.ask, 0, lambda: auth.now), START - HOUR / 2)
    assert auth.asked == []


router = APIRouter()


@router.get("/me")
async def me(caller: CurrentCaller) -> str:
    return caller.uid


@router.get("/open")
async def anybody(caller: CallerIfAny) -> str:
    return caller.uid if caller else "nobody"


@pytest.fixture
def auth_server(monkeypatch: pytest.MonkeyPatch) -> Iterator[AuthServer]:
    server = AuthServer()
    server.start()
    monkeypatch.setenv("FIREBASE_AUTH_EMULATOR_HOST", server.host)
    forget_firebase()
    yield server
    forget_firebase()
    server.stop()


def forget_firebase() -> None:
    for app in list(firebase_admin._apps.values()):  # pyright: ignore[reportPrivateUsage]
        firebase_admin.delete_app(app)


async def ask(project: str, path: str, seconds_old: int, **claims: Any) -> httpx.Response:
    app = create_app("users", router, Settings(app_env="firebase", google_cloud_project=project))
    now = int(time.time())
    token = tokens.token(project, "user-1", iat=now - seconds_old, auth_time=now - seconds_old, **claims)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
        return await client.get(path, headers={"Authorization": f"Bearer {token}"})


@pytest.mark.parametrize(
    ("told", "status"),
    [
        ({}, 200),
        ({"disabled": False, "validSince": "1"}, 200),
        ({"disabled": True}, 401),
        ({"validSince": "a minute ago"}, 401),
        (None, 401),
    ],
)
async def test_firebase_auth_is_asked_about_an_old_token(
    auth_server: AuthServer, project: str, told: dict[str, object] | None, status: int
) -> None:
    """As the Auth emulator answers; 401 in the usual shape. Where all are let in, such a caller is nobody."""
    if told is not None:
        since = told.get("validSince")
        told = {**told, "validSince": str(int(time.time()) - 60)} if since == "a minute ago" else told
        auth_server.users["user-1"] = told
    response = await ask(project, "/me", 1000)
    assert response.status_code == status, response.text
    if status == 401:
        assert isinstance(response.json()["detail"], str)
        assert (await ask(project, "/open", 1000)).json() == "nobody"
    assert auth_server.asked == ["user-1"]


async def test_an_outage_of_firebase_auth_is_told_to_administrators_alone(
    auth_server: AuthServer, project: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """503 for them, and a line in the log for whoever has to grant the permission."""
    auth_server.status = 403
    assert (await ask(project, "/me", 1000)).status_code == 200
    assert "Firebase Auth could not be asked" in capsys.readouterr().out
    assert (await ask(project, "/me", 1000, admin=True)).status_code == 503

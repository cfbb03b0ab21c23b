"""Tests that disabled users and revoked tokens are refused. The tests set the clock."""

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
from shared.web import create_app
from shared.web.auth_users import MAX_REMEMBERED, PAUSE_SECONDS, AuthUser, AuthUserChecks
from shared.web.authentication import CallerIfAny, CurrentCaller
from tests import tokens
from tests.doubles.auth_server import AuthServer

HOUR, INTERVAL = 3600.0, 300.0
START = 1_800_000_000.0
ACTIVE = AuthUser(exists=True)


class FakeAuth:
    """Stands in for Firebase Auth: returns the users that a test sets, and records the look-ups."""

    def __init__(self) -> None:
        self.users: dict[str, AuthUser] = {}
        self.calls: list[str] = []
        self.is_down = False
        self.now = START

    def look_up(self, uid: str) -> AuthUser:
        self.calls.append(uid)
        if self.is_down:
            raise ConnectionError("no response")
        return self.users.get(uid, ACTIVE)


@pytest.fixture
def auth() -> FakeAuth:
    return FakeAuth()


@pytest.fixture
def checks(auth: FakeAuth) -> AuthUserChecks:
    return AuthUserChecks(auth.look_up, INTERVAL, lambda: auth.now)


async def is_admitted(checks: AuthUserChecks, issued: float, uid: str = "u", strict: bool = False) -> bool:
    try:
        await checks.check(uid, issued, strict)
    except Unauthenticated:
        return False
    return True


@pytest.mark.parametrize(
    "state", [AuthUser(exists=False), AuthUser(True, disabled=True), AuthUser(True, valid_since=START + 1)]
)
async def test_users_who_may_no_longer_sign_in_are_refused_after_the_interval(
    auth: FakeAuth, checks: AuthUserChecks, state: AuthUser
) -> None:
    """Existing tokens of users who were deleted, disabled or signed out everywhere are refused after the set
    interval."""
    issued = START
    assert await is_admitted(checks, issued)
    auth.now += 200
    auth.users["u"] = state
    auth.now += INTERVAL
    assert not await is_admitted(checks, issued)
    assert not await is_admitted(checks, issued)


async def test_auth_is_not_called_for_each_request(auth: FakeAuth, checks: AuthUserChecks) -> None:
    """However many requests there are, a new token causes no call of Firebase Auth, and an old one causes a call per
    interval."""
    for _ in range(10):
        assert await is_admitted(checks, START - 10)
    assert auth.calls == []
    auth.now += 2 * INTERVAL
    for _ in range(10):
        assert await is_admitted(checks, START)
    assert auth.calls == ["u"]
    auth.now += INTERVAL
    await is_admitted(checks, START)
    assert auth.calls == ["u", "u"]


async def test_concurrent_requests_share_one_call(auth: FakeAuth, checks: AuthUserChecks) -> None:
    """Twenty concurrent requests of one user cause only one call."""
    assert all(await asyncio.gather(*(is_admitted(checks, START - HOUR / 2) for _ in range(20))))
    assert auth.calls == ["u"]


async def test_a_token_issued_after_the_check_is_accepted(auth: FakeAuth, checks: AuthUserChecks) -> None:
    """A user who is enabled again and signs in is admitted immediately. The old token is still refused."""
    auth.users["u"] = AuthUser(True, disabled=True)
    old = START - 2 * INTERVAL
    assert not await is_admitted(checks, old)
    auth.users["u"] = AuthUser(True, valid_since=START + 10)
    auth.now += 20
    assert await is_admitted(checks, START + 15)
    assert not await is_admitted(checks, old)


async def test_a_clock_that_is_ahead_does_not_extend_a_token(auth: FakeAuth, checks: AuthUserChecks) -> None:
    """A token whose issue time is in the future is treated as if it had just been issued."""
    assert await is_admitted(checks, START + 9)
    auth.users["u"] = AuthUser(True, disabled=True)
    auth.now += INTERVAL + 9
    assert not await is_admitted(checks, START + 9)


async def test_during_an_outage_users_are_admitted_and_administrators_refused(
    auth: FakeAuth, checks: AuthUserChecks
) -> None:
    """While Firebase Auth is unavailable, users' tokens remain valid, but administrators are not admitted unchecked."""
    auth.is_down = True
    assert await is_admitted(checks, START - HOUR / 2)
    with pytest.raises(Unavailable):
        await checks.check("admin", START - HOUR / 2, strict=True)
    assert await is_admitted(checks, START - HOUR / 2, "other")
    assert auth.calls == ["u"]
    auth.now += PAUSE_SECONDS
    auth.is_down = False
    assert await is_admitted(checks, START - HOUR / 2, "admin", strict=True)
    assert await is_admitted(checks, START - HOUR / 2)
    assert auth.calls == ["u", "admin", "u"]


async def test_during_an_outage_the_last_result_is_used(auth: FakeAuth, checks: AuthUserChecks) -> None:
    """A user whom the last look-up found disabled is still refused while Firebase Auth is unavailable."""
    auth.users["u"] = AuthUser(True, disabled=True)
    assert not await is_admitted(checks, START - HOUR / 2)
    auth.is_down = True
    auth.now += 2 * INTERVAL
    assert not await is_admitted(checks, START - HOUR / 2)


async def test_the_size_of_the_cache_is_limited(auth: FakeAuth, checks: AuthUserChecks) -> None:
    """If the cache is full, the oldest users are dropped, and looked up again when needed."""
    for number in range(MAX_REMEMBERED + 1):
        await checks.check(f"u{number}", START - HOUR / 2, strict=False)
    auth.calls.clear()
    await checks.check(f"u{MAX_REMEMBERED}", START - HOUR / 2, strict=False)
    assert auth.calls == []
    await checks.check("u0", START - HOUR / 2, strict=False)
    assert auth.calls == ["u0"]


async def test_the_check_can_be_disabled(auth: FakeAuth) -> None:
    """With an interval of 0, users are not looked up, and tokens remain valid until they expire."""
    auth.users["u"] = AuthUser(exists=False)
    assert await is_admitted(AuthUserChecks(auth.look_up, 0, lambda: auth.now), START - HOUR / 2)
    assert auth.calls == []


router = APIRouter()


@router.get("/me")
async def me(caller: CurrentCaller) -> str:
    return caller.uid


@router.get("/open")
async def show_caller(caller: CallerIfAny) -> str:
    return caller.uid if caller else "anonymous"


@pytest.fixture
def auth_server(monkeypatch: pytest.MonkeyPatch) -> Iterator[AuthServer]:
    server = AuthServer()
    server.start()
    monkeypatch.setenv("FIREBASE_AUTH_EMULATOR_HOST", server.host)
    delete_firebase_apps()
    yield server
    delete_firebase_apps()
    server.stop()


def delete_firebase_apps() -> None:
    for app in list(firebase_admin._apps.values()):  # pyright: ignore[reportPrivateUsage]
        firebase_admin.delete_app(app)


async def call(project: str, path: str, seconds_old: int, **claims: Any) -> httpx.Response:
    app = create_app("users", router, Settings(app_env="firebase", google_cloud_project=project))
    now = int(time.time())
    token = tokens.token(project, "user-1", iat=now - seconds_old, auth_time=now - seconds_old, **claims)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
        return await client.get(path, headers={"Authorization": f"Bearer {token}"})


@pytest.mark.parametrize(
    ("account", "status"),
    [
        ({}, 200),
        ({"disabled": False, "validSince": "1"}, 200),
        ({"disabled": True}, 401),
        ({"validSince": "a minute ago"}, 401),
        (None, 401),
    ],
)
async def test_firebase_auth_looks_up_the_user_of_an_old_token(
    auth_server: AuthServer, project: str, account: dict[str, object] | None, status: int
) -> None:
    """The user of an old token is looked up. A refused caller gets a 401, or is anonymous on routes that need no
    token."""
    if account is not None:
        since = account.get("validSince")
        account = {**account, "validSince": str(int(time.time()) - 60)} if since == "a minute ago" else account
        auth_server.users["user-1"] = account
    response = await call(project, "/me", 1000)
    assert response.status_code == status, response.text
    if status == 401:
        assert isinstance(response.json()["detail"], str)
        assert (await call(project, "/open", 1000)).json() == "anonymous"
    assert auth_server.requested_uids == ["user-1"]


async def test_an_outage_of_firebase_auth_is_reported_only_to_administrators(
    auth_server: AuthServer, project: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """If Firebase Auth fails, only administrators get a 503. The log reports the error to the operator."""
    auth_server.status = 403
    assert (await call(project, "/me", 1000)).status_code == 200
    assert "Firebase Auth could not look up a user" in capsys.readouterr().out
    assert (await call(project, "/me", 1000, admin=True)).status_code == 503

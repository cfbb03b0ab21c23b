"""Tests of users who may no longer sign in, and of revoked tokens. The tests set the clock."""

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
    """Returns the given users, and records the calls."""

    def __init__(self) -> None:
        self.users: dict[str, AuthUser] = {}
        self.calls: list[str] = []
        self.is_down = False
        self.now = START

    def look_up(self, uid: str) -> AuthUser:
        self.calls.append(uid)
        if self.is_down:
            raise ConnectionError("no response")
        return self.users.get(uid, GOOD)


@pytest.fixture
def auth() -> Auth:
    return Auth()


@pytest.fixture
def checks(auth: Auth) -> AuthUserChecks:
    return AuthUserChecks(auth.look_up, MINUTES, lambda: auth.now)


async def is_admitted(checks: AuthUserChecks, issued: float, uid: str = "u", strict: bool = False) -> bool:
    try:
        await checks.check(uid, issued, strict)
    except Unauthenticated:
        return False
    return True


@pytest.mark.parametrize(
    "state", [AuthUser(exists=False), AuthUser(True, disabled=True), AuthUser(True, valid_since=START + 1)]
)
async def test_users_who_may_no_longer_sign_in_are_refused_in_time(
    auth: Auth, checks: AuthUserChecks, state: AuthUser
) -> None:
    """Older tokens of users who were deleted, disabled or signed out everywhere are refused after the set time."""
    issued = START
    assert await is_admitted(checks, issued)
    auth.now += 200
    auth.users["u"] = state
    auth.now += MINUTES
    assert not await is_admitted(checks, issued)
    assert not await is_admitted(checks, issued)


async def test_auth_is_not_called_for_each_request(auth: Auth, checks: AuthUserChecks) -> None:
    """Auth is not called for a new token, and once per interval for an old one, for any number of requests."""
    for _ in range(10):
        assert await is_admitted(checks, START - 10)
    assert auth.calls == []
    auth.now += 2 * MINUTES
    for _ in range(10):
        assert await is_admitted(checks, START)
    assert auth.calls == ["u"]
    auth.now += MINUTES
    await is_admitted(checks, START)
    assert auth.calls == ["u", "u"]


async def test_concurrent_requests_share_one_call(auth: Auth, checks: AuthUserChecks) -> None:
    """Twenty requests that a page sends at once cause one call."""
    assert all(await asyncio.gather(*(is_admitted(checks, START - HOUR / 2) for _ in range(20))))
    assert auth.calls == ["u"]


async def test_a_token_issued_after_the_check_is_accepted(auth: Auth, checks: AuthUserChecks) -> None:
    """A user who is enabled again and signs in anew is admitted immediately; the old token is still refused."""
    auth.users["u"] = AuthUser(True, disabled=True)
    old = START - 2 * MINUTES
    assert not await is_admitted(checks, old)
    auth.users["u"] = AuthUser(True, valid_since=START + 10)
    auth.now += 20
    assert await is_admitted(checks, START + 15)
    assert not await is_admitted(checks, old)


async def test_a_clock_that_is_ahead_gives_no_more_time(auth: Auth, checks: AuthUserChecks) -> None:
    """A token issued "in the future" counts as issued now."""
    assert await is_admitted(checks, START + 9)
    auth.users["u"] = AuthUser(True, disabled=True)
    auth.now += MINUTES + 9
    assert not await is_admitted(checks, START + 9)


async def test_during_an_outage_users_are_admitted_and_administrators_refused(
    auth: Auth, checks: AuthUserChecks
) -> None:
    """Users' tokens stay valid until they expire, and administrators are not admitted unchecked."""
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


async def test_during_an_outage_the_last_result_counts(auth: Auth, checks: AuthUserChecks) -> None:
    """A user who was known to be disabled is not admitted because of an outage."""
    auth.users["u"] = AuthUser(True, disabled=True)
    assert not await is_admitted(checks, START - HOUR / 2)
    auth.is_down = True
    auth.now += 2 * MINUTES
    assert not await is_admitted(checks, START - HOUR / 2)


async def test_the_cache_is_bounded(auth: Auth, checks: AuthUserChecks) -> None:
    """The oldest entries are dropped, and looked up again."""
    for number in range(MAX_REMEMBERED + 1):
        await checks.check(f"u{number}", START - HOUR / 2, strict=False)
    auth.calls.clear()
    await checks.check(f"u{MAX_REMEMBERED}", START - HOUR / 2, strict=False)
    assert auth.calls == []
    await checks.check("u0", START - HOUR / 2, strict=False)
    assert auth.calls == ["u0"]


async def test_the_check_can_be_disabled(auth: Auth) -> None:
    """With an interval of 0, tokens stay valid until they expire."""
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
    forget_firebase()
    yield server
    forget_firebase()
    server.stop()


def forget_firebase() -> None:
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
    """A refused caller gets a 401 in the usual format, and is anonymous on routes that are open to all."""
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
    """Administrators get a 503, and the log reports the error to the operator."""
    auth_server.status = 403
    assert (await call(project, "/me", 1000)).status_code == 200
    assert "Firebase Auth could not look up a user" in capsys.readouterr().out
    assert (await call(project, "/me", 1000, admin=True)).status_code == 503

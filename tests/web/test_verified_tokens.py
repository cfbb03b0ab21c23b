"""Tests the cache of verified ID tokens. The tests set the clock."""

import time
from collections.abc import Iterator
from typing import Any

import firebase_admin
import httpx
import pytest
from fastapi import APIRouter

from shared.models.errors import Unauthenticated, Unavailable
from shared.settings import Settings
from shared.web import StrictJsonRoute, create_app
from shared.web.authentication import CurrentCaller
from shared.web.id_tokens import CLOCK_SKEW_SECONDS
from shared.web.verified_tokens import MAX_CLAIMS_BYTES, MAX_SECONDS, MAX_TOKENS, VerifiedTokens
from tests import tokens
from tests.stopped_clock import StoppedClock

START = 1_800_000_000.0


class FakeVerification:
    """Stands in for firebase-admin: accepts the tokens in `claims`, and records which it verified."""

    def __init__(self) -> None:
        self.claims: dict[str, dict[str, Any]] = {}
        self.calls: list[str] = []
        self.now = START

    def add(self, token: str, **claims: Any) -> None:
        self.claims[token] = {"uid": token, "iat": START - 10, "exp": START + 3600, **claims}

    def verify(self, token: str) -> dict[str, Any]:
        self.calls.append(token)
        if token not in self.claims:
            raise Unauthenticated("Invalid.")
        return self.claims[token]


@pytest.fixture
def verification() -> FakeVerification:
    return FakeVerification()


@pytest.fixture
def known(verification: FakeVerification) -> VerifiedTokens:
    return VerifiedTokens(verification.verify, lambda: verification.now)


async def test_a_repeated_token_is_verified_once(verification: FakeVerification, known: VerifiedTokens) -> None:
    """The second request with a token gets the same claims without another verification."""
    verification.add("a", email="a@b.example", firebase={"identities": {"email": ["a@b.example"]}}, big=2**80, x=0.1)
    assert await known.verify("a") == await known.verify("a") == verification.claims["a"]
    assert verification.calls == ["a"]


async def test_different_tokens_are_verified_separately(verification: FakeVerification, known: VerifiedTokens) -> None:
    """A token that differs in one character is not the same token."""
    verification.add("aa")
    await known.verify("aa")
    for other in ("ab", "a", "aa ", "AA", "aaé", ""):
        with pytest.raises(Unauthenticated):
            await known.verify(other)


async def test_a_request_cannot_change_the_claims_of_the_next(
    verification: FakeVerification, known: VerifiedTokens
) -> None:
    """Each request gets its own copy of the claims, on all levels."""
    verification.add("a", firebase={"tenant": "one"})
    for _ in range(3):
        claims = await known.verify("a")
        assert "admin" not in claims
        assert claims["firebase"]["tenant"] == "one"
        claims["admin"] = True
        claims["firebase"]["tenant"] = "two"
        verification.add("a", firebase={"tenant": "one"})


@pytest.mark.parametrize("lifetime", [1, 60, MAX_SECONDS - 1])
async def test_a_known_token_expires(verification: FakeVerification, known: VerifiedTokens, lifetime: float) -> None:
    """A verified token is refused from the moment that it expires, without another verification."""
    verification.add("a", exp=START + lifetime)
    await known.verify("a")
    verification.now = START + lifetime - 0.5
    await known.verify("a")
    verification.now = START + lifetime
    with pytest.raises(Unauthenticated, match="expired"):
        await known.verify("a")
    assert verification.calls == ["a"]


async def test_a_known_token_is_verified_again_after_a_while(
    verification: FakeVerification, known: VerifiedTokens
) -> None:
    """A signing key that is no longer valid is noticed after `MAX_SECONDS`, however often the token is used."""
    verification.add("a")
    for second in range(int(MAX_SECONDS)):
        verification.now = START + second
        await known.verify("a")
    assert verification.calls == ["a"]
    del verification.claims["a"]
    verification.now = START + MAX_SECONDS
    with pytest.raises(Unauthenticated):
        await known.verify("a")


async def test_a_clock_that_is_set_back_verifies_again(verification: FakeVerification, known: VerifiedTokens) -> None:
    """A verification in the future does not count, and a token that is issued in the future is refused."""
    verification.add("a", iat=START, exp=START + 3600)
    verification.now = START + 100
    await known.verify("a")
    verification.now = START - CLOCK_SKEW_SECONDS + 1
    await known.verify("a")
    assert verification.calls == ["a", "a"]


@pytest.mark.parametrize("claim", ["iat", "auth_time"])
async def test_a_known_token_of_the_future_is_refused(
    verification: FakeVerification, known: VerifiedTokens, claim: str
) -> None:
    """The clock's tolerance applies to known tokens as it does to new ones."""
    verification.add("a", **{claim: START + CLOCK_SKEW_SECONDS})
    await known.verify("a")
    await known.verify("a")
    verification.add("b", **{claim: START + CLOCK_SKEW_SECONDS + 1})
    await known.verify("b")  # the fake verification accepts it
    with pytest.raises(Unauthenticated, match="future"):
        await known.verify("b")


async def test_refused_tokens_are_not_remembered(verification: FakeVerification, known: VerifiedTokens) -> None:
    """A refused token is verified again, because the reason may have passed."""
    for _ in range(2):
        with pytest.raises(Unauthenticated):
            await known.verify("a")
    verification.add("a")
    await known.verify("a")
    assert verification.calls == ["a", "a", "a"]


async def test_an_outage_does_not_concern_known_tokens() -> None:
    """While Google's certificates cannot be fetched, only new tokens get a 503."""
    verification = FakeVerification()
    verification.add("a")
    is_down = False

    def verify(token: str) -> dict[str, Any]:
        if is_down:
            raise Unavailable("Later.")
        return verification.verify(token)

    known = VerifiedTokens(verify, lambda: START)
    await known.verify("a")
    is_down = True
    await known.verify("a")
    with pytest.raises(Unavailable):
        await known.verify("b")


async def test_the_least_recently_used_tokens_are_dropped(
    verification: FakeVerification, known: VerifiedTokens
) -> None:
    """The number of tokens is limited. Tokens that are in use stay."""
    for number in range(MAX_TOKENS + 10):
        verification.add(f"t{number}")
        await known.verify(f"t{number}")
        await known.verify("t0")
    verification.calls.clear()
    await known.verify("t0")
    await known.verify(f"t{MAX_TOKENS + 9}")
    assert verification.calls == []
    await known.verify("t1")
    assert verification.calls == ["t1"]


async def test_large_claims_are_not_remembered(verification: FakeVerification, known: VerifiedTokens) -> None:
    """Tokens cannot fill the memory."""
    verification.add("a", name="x" * MAX_CLAIMS_BYTES)
    await known.verify("a")
    await known.verify("a")
    assert verification.calls == ["a", "a"]


router = APIRouter(route_class=StrictJsonRoute)


@router.get("/me")
async def me(caller: CurrentCaller) -> str:
    return caller.uid


@pytest.fixture(autouse=True)
def firebase_apps() -> Iterator[None]:
    yield
    delete_firebase_apps()


def delete_firebase_apps() -> None:
    """Lets the next verification read the project and the emulator's address again."""
    for app in list(firebase_admin._apps.values()):  # pyright: ignore[reportPrivateUsage]
        firebase_admin.delete_app(app)


def client(project: str) -> httpx.AsyncClient:
    app = create_app("users", router, Settings(app_env="firebase", google_cloud_project=project))
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test")


async def test_a_token_is_known_only_in_its_project_and_with_the_emulator(
    monkeypatch: pytest.MonkeyPatch, project: str
) -> None:
    """A token that the Auth emulator issued is refused elsewhere, even if it was accepted before."""
    monkeypatch.setenv("FIREBASE_AUTH_EMULATOR_HOST", "127.0.0.1:9")
    headers = {"Authorization": f"Bearer {tokens.token(project, 'user-1')}"}
    async with client(project) as mine, client(f"{project}-other") as other:
        assert (await mine.get("/me", headers=headers)).status_code == 200
        assert (await mine.get("/me", headers=headers)).status_code == 200
        delete_firebase_apps()
        assert (await other.get("/me", headers=headers)).status_code == 401
        delete_firebase_apps()
        monkeypatch.delenv("FIREBASE_AUTH_EMULATOR_HOST")
        assert (await mine.get("/me", headers=headers)).status_code == 401


async def test_a_known_token_of_a_caller_expires(
    monkeypatch: pytest.MonkeyPatch, project: str, stopped_clock: StoppedClock
) -> None:
    """A caller whose token expires between two requests gets a 401 for the second."""
    monkeypatch.setenv("FIREBASE_AUTH_EMULATOR_HOST", "127.0.0.1:9")
    headers = {"Authorization": f"Bearer {tokens.token(project, 'user-1', exp=int(time.time()) + 100)}"}
    async with client(project) as mine:
        assert (await mine.get("/me", headers=headers)).status_code == 200
        stopped_clock.move(101)
        response = await mine.get("/me", headers=headers)
    assert response.status_code == 401
    assert "expired" in response.json()["detail"]

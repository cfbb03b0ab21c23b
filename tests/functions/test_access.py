"""Authorization of every route except the agents': anonymous, as a user, another user, an admin, and by password."""

import asyncio
from collections.abc import Awaitable, Callable
from types import ModuleType
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

import functions.admin.main as admin
import functions.chat.main as chat
import functions.demos.main as demos
import functions.logs.main as logs
import functions.mcp.main as mcp
import functions.meta.main as meta
import functions.providers.main as providers
import functions.sessions.main as sessions
import functions.specs.main as specs
import functions.users.main as users
from tests.functions.conftest import AuthHeaders, Serve

CHAT = {"messages": [{"role": "user", "content": "hi"}], "provider": "openai", "model": "gpt-4.1-mini"}
CONFIG = {"provider": "openai", "model": "gpt-4.1-mini"}
LOG = {"eventType": "e", "message": "m"}
PASSWORD = "correct horse"

OPEN = (200, 200, 200)  # anonymous, a user, an admin
OWN = (401, 200, 200)

ROUTES: list[tuple[ModuleType, str, str, Any, tuple[int, int, int]]] = [
    (meta, "GET", "/", None, OPEN),
    (meta, "GET", "/health", None, OPEN),
    (meta, "GET", "/openapi.json", None, OPEN),
    (meta, "GET", "/docs", None, OPEN),
    (logs, "POST", "/log/client", LOG, (202, 202, 202)),
    (providers, "GET", "/providers", None, OWN),
    (providers, "GET", "/providers/openai", None, OWN),
    (providers, "GET", "/providers/openai/models", None, OWN),
    (providers, "GET", "/providers/openai/models/gpt-4.1-mini", None, OWN),
    (users, "GET", "/users/me", None, OWN),
    (users, "PUT", "/users/me/monthly-allowance", {"monthlyAllowance": 1}, OWN),
    (users, "PUT", "/users/me/monthly-allowance", {"monthlyAllowance": 101}, (401, 403, 403)),
    (users, "PUT", "/users/me/allowance-reset-date", {"allowanceResetDate": 0}, OWN),
    (users, "PUT", "/users/me/spend-remaining", {"spendRemaining": 1}, OWN),
    (users, "PUT", "/users/me/spend-remaining", {"spendRemaining": 101}, (401, 403, 403)),
    (users, "POST", "/users/me/usage", {"responseCost": 1}, OWN),
    (users, "POST", "/users/me/reset-allowance", None, OWN),
    (admin, "GET", "/admin/users", None, (401, 403, 200)),
    (admin, "PUT", "/admin/users/mine", {"monthlyAllowance": 500}, (401, 403, 200)),
    (admin, "PUT", "/admin/users/unknown", {"monthlyAllowance": 500}, (401, 403, 200)),
    (chat, "POST", "/chat", CHAT, OWN),
    (chat, "GET", "/chat/unknown", None, (401, 404, 404)),
    (demos, "GET", "/demos", None, OWN),
    (demos, "GET", "/demos/unknown", None, (401, 404, 404)),
    (demos, "DELETE", "/demos/unknown", None, (401, 404, 404)),
    (demos, "GET", "/demos/unknown/page", None, (404, 404, 404)),
    (mcp, "POST", "/mcp/tools", {"mcp_url": "http://127.0.0.1/"}, (401, 400, 400)),
    (specs, "POST", "/specs/fetch", {"url": "http://127.0.0.1/"}, (401, 400, 400)),
    (sessions, "POST", "/sessions/s/config", CONFIG, OWN),
    (sessions, "GET", "/sessions/mine/config", None, (401, 200, 404)),
    (sessions, "DELETE", "/sessions/mine", None, (401, 200, 404)),
]


@pytest.mark.parametrize(
    ("module", "method", "path", "body", "expected"), ROUTES, ids=lambda value: value if isinstance(value, str) else ""
)
async def test_every_route_for_every_role(
    serve: Serve,
    auth_headers: AuthHeaders,
    module: ModuleType,
    method: str,
    path: str,
    body: Any,
    expected: tuple[int, int, int],
) -> None:
    """Each role gets exactly the contract's status code, in the contract's shape."""
    firebase = {"app_env": "firebase", "admin_panel_enabled": True, "admin_password": None}
    await serve(users, **firebase).get("/users/me", headers=auth_headers("user"))
    await serve(sessions, **firebase).post("/sessions/mine/config", json=CONFIG, headers=auth_headers("user"))
    client = serve(module, **firebase)
    for who, status in zip(("anonymous", "admin", "user"), (expected[0], expected[2], expected[1]), strict=True):
        response = await client.request(method, path, json=body, headers=auth_headers(who))
        assert response.status_code == status, (who, response.text)
        if status >= 400:
            assert set(response.json()) == {"detail"}


async def test_other_users_tickets_and_sessions_are_404(serve: Serve, auth_headers: AuthHeaders) -> None:
    """Another user, even an admin, cannot see a user's ticket or session."""
    client = serve(chat, app_env="firebase")
    ticket = (await client.post("/chat", json=CHAT, headers=auth_headers("user"))).json()["ticket_id"]
    own = serve(sessions, app_env="firebase")
    await own.post("/sessions/s/config", json=CONFIG, headers=auth_headers("user"))
    for who in ("other", "admin"):
        assert (await client.get(f"/chat/{ticket}", headers=auth_headers(who))).status_code == 404
        assert (await own.get("/sessions/s/config", headers=auth_headers(who))).status_code == 404
        assert (await own.delete("/sessions/s", headers=auth_headers(who))).status_code == 404
    assert (await own.get("/sessions/s/config", headers=auth_headers("user"))).json()["model"] == "gpt-4.1-mini"


@pytest.mark.parametrize("app_env", ["local", "firebase"])
@pytest.mark.parametrize(
    ("enabled", "configured", "sent", "status"),
    [
        (True, PASSWORD, PASSWORD, 200),
        (True, PASSWORD, "wrong", 401),
        (True, PASSWORD, "", 401),
        (True, PASSWORD, None, 401),
        (True, "pässwörd€", "pässwörd€", 200),
        (True, None, "", 401),
        (True, None, PASSWORD, 401),
        (False, PASSWORD, PASSWORD, 403),
        (False, PASSWORD, None, 403),
        (False, None, None, 403),
    ],
)
async def test_the_admin_password(
    serve: Serve, app_env: str, enabled: bool, configured: str | None, sent: str | None, status: int
) -> None:
    """A disabled panel returns 403. A wrong or missing password gets a 401, with different messages.

    If no password is configured, an empty one is refused as well.
    """
    secret = None if configured is None else SecretStr(configured)
    client = serve(admin, app_env=app_env, admin_panel_enabled=enabled, admin_password=secret)
    headers = {} if sent is None else {b"X-Admin-Password": sent.encode()}
    response = await client.get("/admin/users", headers=headers)
    assert response.status_code == status
    if status == 401:
        wrong, missing = "The administrators' password is not correct.", "Send the administrators' password in"
        assert response.json()["detail"].startswith(missing if sent is None else wrong)


async def test_guessing_the_password_is_limited(serve: Serve) -> None:
    """After too many guesses from one address, even the right password gets 429."""
    client = serve(
        admin,
        admin_panel_enabled=True,
        admin_password=SecretStr(PASSWORD),
        public_rate_per_minute=3,
        trusted_proxies=1,
    )
    address = {"X-Forwarded-For": "9.8.7.6"}
    guesses = [await client.get("/admin/users", headers={**address, "X-Admin-Password": "guess"}) for _ in range(4)]
    assert [guess.status_code for guess in guesses] == [401, 401, 401, 429]
    right = await client.get("/admin/users", headers={**address, "X-Admin-Password": PASSWORD})
    assert right.status_code == 429


Attempt = Callable[[str, str], Awaitable[httpx.Response]]


@pytest.fixture
def attempt(serve: Serve) -> Attempt:
    """Sends a password from an address. The limits are five guesses a minute in total, and three per address."""
    return attempts(serve, public_rate_per_minute=3)


def attempts(serve: Serve, public_rate_per_minute: int) -> Attempt:
    client = serve(
        admin,
        admin_panel_enabled=True,
        admin_password=SecretStr(PASSWORD),
        public_rate_per_minute=public_rate_per_minute,
        admin_password_rate_per_minute=5,
        trusted_proxies=1,
    )
    return lambda address, password: client.get(
        "/admin/users", headers={"X-Forwarded-For": address, "X-Admin-Password": password}
    )


async def test_guessing_from_many_addresses_is_limited_too(attempt: Attempt) -> None:
    """Beyond the total limit, every password gets 429, and the message suggests an ID token instead."""
    statuses = [(await attempt(f"9.8.7.{number}", "guess")).status_code for number in range(7)]
    assert statuses == [401] * 5 + [429] * 2
    refused = await attempt("9.8.7.99", PASSWORD)
    assert refused.status_code == 429
    assert int(refused.headers["retry-after"]) > 0
    assert "ID token" in refused.json()["detail"]


async def test_a_stranger_does_not_lock_out_an_administrator(
    attempt: Attempt, serve: Serve, auth_headers: AuthHeaders
) -> None:
    """An address that has sent the right password before is still admitted, as is an ID token from any address."""
    assert (await attempt("1.2.3.4", PASSWORD)).status_code == 200
    for number in range(10):
        await attempt(f"9.8.7.{number}", "guess")
    assert (await attempt("9.8.7.99", PASSWORD)).status_code == 429
    assert (await attempt("1.2.3.4", PASSWORD)).status_code == 200
    token = await serve(admin, app_env="firebase").get("/admin/users", headers=auth_headers("admin"))
    assert token.status_code == 200


async def test_guesses_from_a_known_address_are_limited(attempt: Attempt) -> None:
    """A known address has its own limit, and its guesses do not count for other addresses."""
    assert (await attempt("1.2.3.4", PASSWORD)).status_code == 200
    statuses = [(await attempt("1.2.3.4", "guess")).status_code for _ in range(4)]
    assert statuses == [401, 401, 429, 429]
    assert (await attempt("9.8.7.6", "guess")).status_code == 401


async def test_guesses_from_all_known_addresses_are_limited(serve: Serve) -> None:
    """Forging a known address does not help: all known addresses share a limit, even without limits per address."""
    attempt = attempts(serve, public_rate_per_minute=0)
    assert (await attempt("1.2.3.4", PASSWORD)).status_code == 200
    statuses = [(await attempt("1.2.3.4", "guess")).status_code for _ in range(7)]
    assert statuses == [401] * 5 + [429] * 2
    assert (await attempt("9.8.7.6", PASSWORD)).status_code == 200


async def test_refused_guesses_do_not_count_for_other_addresses(attempt: Attempt) -> None:
    """An address that keeps guessing uses no more than its own share of the total limit."""
    for _ in range(20):
        await attempt("9.8.7.6", "guess")
    assert (await attempt("9.8.7.7", PASSWORD)).status_code == 200


async def test_an_ipv6_customer_is_one_address(attempt: Attempt) -> None:
    """A /48 network counts as one address; otherwise, each guess could have a new address."""
    statuses = [(await attempt(f"2a02:8108:1:{number}::1", "guess")).status_code for number in range(4)]
    assert statuses == [401, 401, 401, 429]


async def test_parallel_guesses_do_not_exceed_the_limit(attempt: Attempt) -> None:
    """Guesses are counted before the passwords are compared."""
    responses = await asyncio.gather(*(attempt(f"9.8.7.{number}", "guess") for number in range(30)))
    assert [response.status_code for response in responses].count(401) == 5


async def test_the_password_is_enough_without_a_valid_token(serve: Serve, auth_headers: AuthHeaders) -> None:
    """A valid password authorizes a request whose token is stale, or not an administrator's."""
    client = serve(admin, app_env="firebase", admin_panel_enabled=True, admin_password=SecretStr(PASSWORD))
    for token_headers in ({"Authorization": "Bearer stale"}, auth_headers("user")):
        response = await client.get("/admin/users", headers={**token_headers, "X-Admin-Password": PASSWORD})
        assert response.status_code == 200


async def test_only_the_value_true_makes_an_administrator(serve: Serve, auth_headers: AuthHeaders) -> None:
    """The string "true" in the claim does not make the user an administrator."""
    client = serve(admin, app_env="firebase", admin_panel_enabled=True)
    assert (await client.get("/admin/users", headers=auth_headers("almost an admin"))).status_code == 403


async def test_the_claim_works_while_the_panel_is_disabled(serve: Serve, auth_headers: AuthHeaders) -> None:
    """An administrator's ID token is valid even if the password panel is disabled."""
    client = serve(admin, app_env="firebase")
    assert (await client.get("/admin/users", headers=auth_headers("admin"))).status_code == 200


async def test_pages_of_users(serve: Serve, auth_headers: AuthHeaders) -> None:
    """A page has the next page's token in a header; the last page, and an unlimited list, have none."""
    for who in ("user", "other", "admin"):
        await serve(users, app_env="firebase").get("/users/me", headers=auth_headers(who))
    client = serve(admin, app_env="firebase")
    everyone = await client.get("/admin/users", headers=auth_headers("admin"))
    assert [user["_id"] for user in everyone.json()] == ["boss", "mine", "other"]
    first = await client.get("/admin/users", params={"limit": 2}, headers=auth_headers("admin"))
    assert [user["_id"] for user in first.json()] == ["boss", "mine"]
    after = {"limit": 2, "pageToken": first.headers["x-next-page-token"]}
    last = await client.get("/admin/users", params=after, headers=auth_headers("admin"))
    assert [user["_id"] for user in last.json()] == ["other"]
    assert "x-next-page-token" not in last.headers
    for bad in ({"limit": 0}, {"limit": 501}, {"limit": "many"}):
        assert (await client.get("/admin/users", params=bad, headers=auth_headers("admin"))).status_code == 422

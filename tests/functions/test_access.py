"""Checks who may call each route, except the agent routes: anonymous callers, users, administrators with and without
a password."""

import asyncio
from collections.abc import Awaitable, Callable
from types import ModuleType
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

import functions.admin.main as admin
import functions.api_keys.main as api_keys
import functions.chat.main as chat
import functions.demos.main as demos
import functions.logs.main as logs
import functions.mcp.main as mcp
import functions.meta.main as meta
import functions.providers.main as providers
import functions.runs.main as runs
import functions.schedules.main as schedules
import functions.sessions.main as sessions
import functions.specs.main as specs
import functions.users.main as users
from tests.functions.conftest import AuthHeaders, Serve

CHAT = {"messages": [{"role": "user", "content": "hi"}], "provider": "openai", "model": "gpt-4.1-mini"}
CONFIG = {"provider": "openai", "model": "gpt-4.1-mini"}
WEBHOOK = {"url": "https://hooks.example/", "events": ["run.completed"]}
LOG = {"eventType": "e", "message": "m"}
PASSWORD = "correct horse"

OPEN = (200, 200, 200)  # the statuses for an anonymous caller, a user and an administrator
SIGNED_IN = (401, 200, 200)

ROUTES: list[tuple[ModuleType, str, str, Any, tuple[int, int, int]]] = [
    (meta, "GET", "/", None, OPEN),
    (meta, "GET", "/health", None, OPEN),
    (meta, "GET", "/openapi.json", None, OPEN),
    (meta, "GET", "/docs", None, OPEN),
    (logs, "POST", "/log/client", LOG, (202, 202, 202)),
    (providers, "GET", "/providers", None, SIGNED_IN),
    (providers, "GET", "/providers/openai", None, SIGNED_IN),
    (providers, "GET", "/providers/openai/models", None, SIGNED_IN),
    (providers, "GET", "/providers/openai/models/gpt-4.1-mini", None, SIGNED_IN),
    (users, "GET", "/users/me", None, SIGNED_IN),
    (users, "PUT", "/users/me/monthly-allowance", {"monthlyAllowance": 1}, SIGNED_IN),
    (users, "PUT", "/users/me/monthly-allowance", {"monthlyAllowance": 101}, (401, 403, 403)),
    (users, "PUT", "/users/me/allowance-reset-date", {"allowanceResetDate": 0}, SIGNED_IN),
    (users, "PUT", "/users/me/spend-remaining", {"spendRemaining": 1}, SIGNED_IN),
    (users, "PUT", "/users/me/spend-remaining", {"spendRemaining": 101}, (401, 403, 403)),
    (users, "POST", "/users/me/usage", {"responseCost": 1}, SIGNED_IN),
    (users, "POST", "/users/me/reset-allowance", None, SIGNED_IN),
    (api_keys, "GET", "/users/me/keys", None, SIGNED_IN),
    (api_keys, "POST", "/users/me/keys", {"name": "k"}, (401, 201, 201)),
    (api_keys, "DELETE", "/users/me/keys/unknown", None, (401, 404, 404)),
    (admin, "GET", "/admin/users", None, (401, 403, 200)),
    (admin, "PUT", "/admin/users/mine", {"monthlyAllowance": 500}, (401, 403, 200)),
    (admin, "PUT", "/admin/users/unknown", {"monthlyAllowance": 500}, (401, 403, 200)),
    (chat, "POST", "/chat", CHAT, SIGNED_IN),
    (chat, "GET", "/chat", None, SIGNED_IN),
    (chat, "GET", "/chat/unknown", None, (401, 404, 404)),
    (chat, "DELETE", "/chat/unknown", None, (401, 404, 404)),
    (chat, "POST", "/chat/unknown/cancel", None, (401, 404, 404)),
    (chat, "GET", "/chat/unknown/events", None, (401, 404, 404)),
    (runs, "POST", "/runs", {"agentId": "unknown"}, (401, 404, 404)),
    (runs, "GET", "/runs", None, SIGNED_IN),
    (runs, "GET", "/runs/unknown", None, (401, 404, 404)),
    (runs, "GET", "/runs/unknown/steps", None, (401, 404, 404)),
    (runs, "GET", "/runs/unknown/events", None, (401, 404, 404)),
    (runs, "POST", "/runs/unknown/cancel", None, (401, 404, 404)),
    (runs, "POST", "/runs/unknown/answer", {"answer": 1}, (401, 404, 404)),
    (demos, "GET", "/demos", None, SIGNED_IN),
    (demos, "GET", "/demos/unknown", None, (401, 404, 404)),
    (demos, "DELETE", "/demos/unknown", None, (401, 404, 404)),
    (demos, "GET", "/demos/unknown/page", None, (404, 404, 404)),
    (mcp, "POST", "/mcp/tools", {"mcp_url": "http://127.0.0.1/"}, (401, 400, 400)),
    (mcp, "POST", "/mcp", {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}, SIGNED_IN),
    (mcp, "GET", "/.well-known/oauth-protected-resource", None, (200, 200, 200)),
    (specs, "POST", "/specs/fetch", {"url": "http://127.0.0.1/"}, (401, 400, 400)),
    (schedules, "GET", "/schedules", None, SIGNED_IN),
    (schedules, "POST", "/schedules", {"agentId": "unknown", "cron": "* * * * *"}, (401, 404, 404)),
    (schedules, "GET", "/schedules/unknown", None, (401, 404, 404)),
    (schedules, "PUT", "/schedules/unknown", {"enabled": False}, (401, 404, 404)),
    (schedules, "DELETE", "/schedules/unknown", None, (401, 404, 404)),
    (schedules, "POST", "/webhooks", WEBHOOK, (401, 201, 201)),
    (schedules, "GET", "/webhooks", None, SIGNED_IN),
    (schedules, "GET", "/webhooks/unknown", None, (401, 404, 404)),
    (schedules, "PUT", "/webhooks/unknown", {"enabled": False}, (401, 404, 404)),
    (schedules, "POST", "/webhooks/unknown/secret", None, (401, 404, 404)),
    (schedules, "DELETE", "/webhooks/unknown", None, (401, 404, 404)),
    (sessions, "POST", "/sessions/s/config", CONFIG, SIGNED_IN),
    (sessions, "GET", "/sessions/mine/config", None, (401, 200, 404)),
    (sessions, "DELETE", "/sessions/mine", None, (401, 200, 404)),
]


@pytest.mark.parametrize(
    ("module", "method", "path", "body", "expected"), ROUTES, ids=lambda value: value if isinstance(value, str) else ""
)
async def test_every_route_checks_the_role(
    serve: Serve,
    auth_headers: AuthHeaders,
    module: ModuleType,
    method: str,
    path: str,
    body: Any,
    expected: tuple[int, int, int],
) -> None:
    """Each role gets exactly the expected status, and every error has the documented shape."""
    firebase = {"app_env": "firebase", "admin_panel_enabled": True, "admin_password": None}
    await serve(users, **firebase).get("/users/me", headers=auth_headers("user"))
    await serve(sessions, **firebase).post("/sessions/mine/config", json=CONFIG, headers=auth_headers("user"))
    client = serve(module, **firebase)
    for who, status in zip(("anonymous", "admin", "user"), (expected[0], expected[2], expected[1]), strict=True):
        response = await client.request(method, path, json=body, headers=auth_headers(who))
        assert response.status_code == status, (who, response.text)
        if status >= 400:
            assert set(response.json()) - {"jsonrpc", "id", "error"} == {"detail"}  # the protocol's own, at /mcp


async def test_another_users_tickets_and_sessions_are_404(serve: Serve, auth_headers: AuthHeaders) -> None:
    """Nobody but the owner can see a ticket or a session, not even an administrator."""
    client = serve(chat, app_env="firebase")
    ticket = (await client.post("/chat", json=CHAT, headers=auth_headers("user"))).json()["ticket_id"]
    session_client = serve(sessions, app_env="firebase")
    await session_client.post("/sessions/s/config", json=CONFIG, headers=auth_headers("user"))
    for who in ("other", "admin"):
        assert (await client.get(f"/chat/{ticket}", headers=auth_headers(who))).status_code == 404
        assert (await session_client.get("/sessions/s/config", headers=auth_headers(who))).status_code == 404
        assert (await session_client.delete("/sessions/s", headers=auth_headers(who))).status_code == 404
    assert (await session_client.get("/sessions/s/config", headers=auth_headers("user"))).json()[
        "model"
    ] == "gpt-4.1-mini"


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
async def test_the_admin_password_is_checked(
    serve: Serve, app_env: str, enabled: bool, configured: str | None, sent: str | None, status: int
) -> None:
    """If the panel is disabled, requests get a 403. A wrong and a missing password get a 401 with different messages.

    If no password is configured, an empty password is refused as well.
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
    """After too many guesses from one address, even the correct password gets a 429."""
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
    correct = await client.get("/admin/users", headers={**address, "X-Admin-Password": PASSWORD})
    assert correct.status_code == 429


Attempt = Callable[[str, str], Awaitable[httpx.Response]]


@pytest.fixture
def attempt(serve: Serve) -> Attempt:
    """Returns a function that sends a password from an address. Per minute, an address may guess three times, and all
    addresses together five times."""
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


async def test_guessing_from_many_addresses_is_limited(attempt: Attempt) -> None:
    """Beyond the total limit, every password gets a 429, and the message suggests using an ID token instead."""
    statuses = [(await attempt(f"9.8.7.{number}", "guess")).status_code for number in range(7)]
    assert statuses == [401] * 5 + [429] * 2
    refused = await attempt("9.8.7.99", PASSWORD)
    assert refused.status_code == 429
    assert int(refused.headers["retry-after"]) > 0
    assert "ID token" in refused.json()["detail"]


async def test_a_strangers_guesses_do_not_lock_out_an_administrator(
    attempt: Attempt, serve: Serve, auth_headers: AuthHeaders
) -> None:
    """An address that has sent the correct password before is still admitted. An ID token is admitted from any
    address."""
    assert (await attempt("1.2.3.4", PASSWORD)).status_code == 200
    for number in range(10):
        await attempt(f"9.8.7.{number}", "guess")
    assert (await attempt("9.8.7.99", PASSWORD)).status_code == 429
    assert (await attempt("1.2.3.4", PASSWORD)).status_code == 200
    token = await serve(admin, app_env="firebase").get("/admin/users", headers=auth_headers("admin"))
    assert token.status_code == 200


async def test_guesses_from_a_known_address_are_limited(attempt: Attempt) -> None:
    """An address that has sent the correct password has a separate limit. Its guesses do not count for other
    addresses."""
    assert (await attempt("1.2.3.4", PASSWORD)).status_code == 200
    statuses = [(await attempt("1.2.3.4", "guess")).status_code for _ in range(4)]
    assert statuses == [401, 401, 429, 429]
    assert (await attempt("9.8.7.6", "guess")).status_code == 401


async def test_guesses_from_all_known_addresses_are_limited(serve: Serve) -> None:
    """All known addresses share a limit, even if there is no limit per address, so forging known addresses does not
    help."""
    attempt = attempts(serve, public_rate_per_minute=0)
    assert (await attempt("1.2.3.4", PASSWORD)).status_code == 200
    statuses = [(await attempt("1.2.3.4", "guess")).status_code for _ in range(7)]
    assert statuses == [401] * 5 + [429] * 2
    assert (await attempt("9.8.7.6", PASSWORD)).status_code == 200


async def test_refused_guesses_do_not_count_for_other_addresses(attempt: Attempt) -> None:
    """An address that keeps guessing uses up no more than its own share of the total limit."""
    for _ in range(20):
        await attempt("9.8.7.6", "guess")
    assert (await attempt("9.8.7.7", PASSWORD)).status_code == 200


async def test_an_ipv6_network_counts_as_one_address(attempt: Attempt) -> None:
    """All addresses of a /48 network count as one. Otherwise, each guess could come from a new address."""
    statuses = [(await attempt(f"2a02:8108:1:{number}::1", "guess")).status_code for number in range(4)]
    assert statuses == [401, 401, 401, 429]


async def test_parallel_guesses_do_not_exceed_the_limit(attempt: Attempt) -> None:
    """Parallel guesses are counted before their passwords are compared."""
    responses = await asyncio.gather(*(attempt(f"9.8.7.{number}", "guess") for number in range(30)))
    assert [response.status_code for response in responses].count(401) == 5


async def test_the_password_suffices_without_an_administrators_token(serve: Serve, auth_headers: AuthHeaders) -> None:
    """The password authorizes a request even if its token has expired or is not an administrator's."""
    client = serve(admin, app_env="firebase", admin_panel_enabled=True, admin_password=SecretStr(PASSWORD))
    for token_headers in ({"Authorization": "Bearer expired"}, auth_headers("user")):
        response = await client.get("/admin/users", headers={**token_headers, "X-Admin-Password": PASSWORD})
        assert response.status_code == 200


async def test_only_the_claim_true_makes_an_administrator(serve: Serve, auth_headers: AuthHeaders) -> None:
    """A user whose `admin` claim is the string "true" is not an administrator."""
    client = serve(admin, app_env="firebase", admin_panel_enabled=True)
    assert (await client.get("/admin/users", headers=auth_headers("almost an admin"))).status_code == 403


async def test_the_claim_works_while_the_panel_is_disabled(serve: Serve, auth_headers: AuthHeaders) -> None:
    """An administrator's ID token is accepted even if the password panel is disabled."""
    client = serve(admin, app_env="firebase")
    assert (await client.get("/admin/users", headers=auth_headers("admin"))).status_code == 200


async def test_users_are_listed_in_pages(serve: Serve, auth_headers: AuthHeaders) -> None:
    """A header has the token of the next page. The last page and an unlimited list have no such header."""
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

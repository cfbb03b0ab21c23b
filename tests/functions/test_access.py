"""Who may do what: every route but the agents', as nobody, as a user, as another user, as an admin, by password."""

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
from tests.functions.conftest import Serve, Whom

CHAT = {"messages": [{"role": "user", "content": "hi"}], "provider": "openai", "model": "gpt-4.1-mini"}
CONFIG = {"provider": "openai", "model": "gpt-4.1-mini"}
LOG = {"eventType": "e", "message": "m"}
PASSWORD = "correct horse"

OPEN = (200, 200, 200)  # nobody, a user, an admin
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
async def test_every_route_for_everybody(
    serve: Serve,
    as_whom: Whom,
    module: ModuleType,
    method: str,
    path: str,
    body: Any,
    expected: tuple[int, int, int],
) -> None:
    """Exactly the contract's codes, in the contract's shape."""
    firebase = {"app_env": "firebase", "admin_panel_enabled": True, "admin_password": None}
    await serve(users, **firebase).get("/users/me", headers=as_whom("user"))
    await serve(sessions, **firebase).post("/sessions/mine/config", json=CONFIG, headers=as_whom("user"))
    client = serve(module, **firebase)
    for who, status in zip(("nobody", "admin", "user"), (expected[0], expected[2], expected[1]), strict=True):
        response = await client.request(method, path, json=body, headers=as_whom(who))
        assert response.status_code == status, (who, response.text)
        if status >= 400:
            assert set(response.json()) == {"detail"}


async def test_what_is_somebody_elses_is_404(serve: Serve, as_whom: Whom) -> None:
    """A ticket and a session: for another user, and for an admin, they are not there."""
    client = serve(chat, app_env="firebase")
    ticket = (await client.post("/chat", json=CHAT, headers=as_whom("user"))).json()["ticket_id"]
    own = serve(sessions, app_env="firebase")
    await own.post("/sessions/s/config", json=CONFIG, headers=as_whom("user"))
    for who in ("other", "admin"):
        assert (await client.get(f"/chat/{ticket}", headers=as_whom(who))).status_code == 404
        assert (await own.get("/sessions/s/config", headers=as_whom(who))).status_code == 404
        assert (await own.delete("/sessions/s", headers=as_whom(who))).status_code == 404
    assert (await own.get("/sessions/s/config", headers=as_whom("user"))).json()["model"] == "gpt-4.1-mini"


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
    """Disabled: 403. Wrong or none: 401, which are told apart. An empty one that nobody set opens nothing."""
    secret = None if configured is None else SecretStr(configured)
    client = serve(admin, app_env=app_env, admin_panel_enabled=enabled, admin_password=secret)
    headers = {} if sent is None else {b"X-Admin-Password": sent.encode()}
    response = await client.get("/admin/users", headers=headers)
    assert response.status_code == status
    if status == 401:
        wrong, none = "That is not the administrators' password.", "Send the administrators' password as"
        assert response.json()["detail"].startswith(none if sent is None else wrong)


async def test_guessing_the_password_is_limited(serve: Serve) -> None:
    """Per address: 429, and then the right one does not help either."""
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


Try = Callable[[str, str], Awaitable[httpx.Response]]


@pytest.fixture
def attempt(serve: Serve) -> Try:
    """The password, sent from an address; five a minute from all together, and three from one."""
    return attempts(serve, public_rate_per_minute=3)


def attempts(serve: Serve, public_rate_per_minute: int) -> Try:
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


async def test_guessing_from_many_addresses_is_limited_too(attempt: Try) -> None:
    """429 before the password is compared, so that the right one is not found either; and it says how to get in."""
    statuses = [(await attempt(f"9.8.7.{number}", "guess")).status_code for number in range(7)]
    assert statuses == [401] * 5 + [429] * 2
    refused = await attempt("9.8.7.99", PASSWORD)
    assert refused.status_code == 429
    assert int(refused.headers["retry-after"]) > 0
    assert "ID token" in refused.json()["detail"]


async def test_a_stranger_does_not_lock_out_an_administrator(attempt: Try, serve: Serve, as_whom: Whom) -> None:
    """Where the right password has come from before it goes on working, and so does an ID token from anywhere."""
    assert (await attempt("1.2.3.4", PASSWORD)).status_code == 200
    for number in range(10):
        await attempt(f"9.8.7.{number}", "guess")
    assert (await attempt("9.8.7.99", PASSWORD)).status_code == 429
    assert (await attempt("1.2.3.4", PASSWORD)).status_code == 200
    token = await serve(admin, app_env="firebase").get("/admin/users", headers=as_whom("admin"))
    assert token.status_code == 200


async def test_a_known_address_may_not_guess_without_end(attempt: Try) -> None:
    """It has a limit of its own, and spends none of the others'."""
    assert (await attempt("1.2.3.4", PASSWORD)).status_code == 200
    statuses = [(await attempt("1.2.3.4", "guess")).status_code for _ in range(4)]
    assert statuses == [401, 401, 429, 429]
    assert (await attempt("9.8.7.6", "guess")).status_code == 401


async def test_known_addresses_together_may_not_guess_without_end(serve: Serve) -> None:
    """Nor one of them where addresses have no limit: who forges a known one meets the limit of all that are known."""
    attempt = attempts(serve, public_rate_per_minute=0)
    assert (await attempt("1.2.3.4", PASSWORD)).status_code == 200
    statuses = [(await attempt("1.2.3.4", "guess")).status_code for _ in range(7)]
    assert statuses == [401] * 5 + [429] * 2
    assert (await attempt("9.8.7.6", PASSWORD)).status_code == 200


async def test_what_an_address_is_refused_costs_the_others_nothing(attempt: Try) -> None:
    """Of one that goes on and on, no more counts than its own share."""
    for _ in range(20):
        await attempt("9.8.7.6", "guess")
    assert (await attempt("9.8.7.7", PASSWORD)).status_code == 200


async def test_an_ipv6_customer_is_one_address(attempt: Try) -> None:
    """A /48 has more addresses than there are guesses."""
    statuses = [(await attempt(f"2a02:8108:1:{number}::1", "guess")).status_code for number in range(4)]
    assert statuses == [401, 401, 401, 429]


async def test_guesses_at_the_same_time_get_no_more_than_the_limit(attempt: Try) -> None:
    """They are counted before they are compared."""
    answers = await asyncio.gather(*(attempt(f"9.8.7.{number}", "guess") for number in range(30)))
    assert [answer.status_code for answer in answers].count(401) == 5


async def test_the_password_counts_beside_a_token_that_does_not(serve: Serve, as_whom: Whom) -> None:
    """Password or token: either is enough."""
    client = serve(admin, app_env="firebase", admin_panel_enabled=True, admin_password=SecretStr(PASSWORD))
    for token_headers in ({"Authorization": "Bearer stale"}, as_whom("user")):
        response = await client.get("/admin/users", headers={**token_headers, "X-Admin-Password": PASSWORD})
        assert response.status_code == 200


async def test_a_claim_that_is_not_true_is_no_claim(serve: Serve, as_whom: Whom) -> None:
    """The text "true" is not the value."""
    client = serve(admin, app_env="firebase", admin_panel_enabled=True)
    assert (await client.get("/admin/users", headers=as_whom("almost an admin"))).status_code == 403


async def test_the_claim_works_while_the_panel_is_disabled(serve: Serve, as_whom: Whom) -> None:
    """The panel is the password's."""
    client = serve(admin, app_env="firebase")
    assert (await client.get("/admin/users", headers=as_whom("admin"))).status_code == 200


async def test_pages_of_users(serve: Serve, as_whom: Whom) -> None:
    """A list; with a limit, the next page's token in a header; the last has none."""
    for who in ("user", "other", "admin"):
        await serve(users, app_env="firebase").get("/users/me", headers=as_whom(who))
    client = serve(admin, app_env="firebase")
    everybody = await client.get("/admin/users", headers=as_whom("admin"))
    assert [user["_id"] for user in everybody.json()] == ["boss", "mine", "other"]
    first = await client.get("/admin/users", params={"limit": 2}, headers=as_whom("admin"))
    assert [user["_id"] for user in first.json()] == ["boss", "mine"]
    after = {"limit": 2, "pageToken": first.headers["x-next-page-token"]}
    last = await client.get("/admin/users", params=after, headers=as_whom("admin"))
    assert [user["_id"] for user in last.json()] == ["other"]
    assert "x-next-page-token" not in last.headers
    for bad in ({"limit": 0}, {"limit": 501}, {"limit": "many"}):
        assert (await client.get("/admin/users", params=bad, headers=as_whom("admin"))).status_code == 422

"""Requests per second of routes that read, with one client and with 32."""

import json
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from http.client import HTTPConnection
from typing import Any

from bench.backends import Backends, start_backends
from bench.documents import put_floor
from bench.http import write_request
from bench.load import Load
from bench.loop import run
from bench.rows import Row, Target
from bench.served import Served, serve_floor, serve_function
from shared.models.caller import LOCAL_USER, Caller
from tests.services.publishing import save

_SECONDS = 1.5
_WARM_UP_SECONDS = 2.0
_CLIENTS = (1, 32)
_READ, _HEALTH = Target(0.7, at_least=True), Target(0.6, at_least=True)


def measure(rounds: int) -> Iterator[Row]:
    """Yields the rates of `GET /agents/{id}`, `GET /users/me` and `GET /health`, without authentication."""
    with start_backends() as backends, ExitStack() as stack:
        agents, users, meta = (
            stack.enter_context(serve_function(name, backends.environ)) for name in ("agents", "users", "meta")
        )
        read, profile, empty = (
            stack.enter_context(serve_floor(name, backends.environ)) for name in ("read", "profile", "empty")
        )
        agent_id = run(_prepare(backends))
        agent_path = f"/agents/{agent_id}"
        run(put_floor(backends.project, agent_id, _get(agents, agent_path)))
        run(put_floor(backends.project, "me", _get(users, "/users/me")))
        yield from _compare(backends, agents, read, agent_path, _READ, rounds, "the same document, one read")
        yield from _compare(backends, users, profile, "/users/me", _READ, rounds, "the account and the usage entries")
        yield from _compare(backends, meta, empty, "/health", _HEALTH, rounds, "")


def _compare(
    backends: Backends, ours: Served, floor: Served, path: str, target: Target, rounds: int, note: str
) -> Iterator[Row]:
    name = "GET " + path.partition("/agents/")[0] + ("/agents/{id}" if "/agents/" in path else "")
    for function in (floor, ours):
        _flood(backends, function, path, max(_CLIENTS), _WARM_UP_SECONDS)
    for clients in _CLIENTS:
        rates: list[float] = []
        floor_rates: list[float] = []
        for _ in range(rounds):
            floor_rates.append(_flood(backends, floor, path, clients, _SECONDS).per_second)
            rates.append(_flood(backends, ours, path, clients, _SECONDS).per_second)
        what = f"{name}, {clients} client{'s' if clients > 1 else ''}"
        yield Row(what, "/s", rates, floor_rates, target, note and f"the floor reads {note}")


def _flood(backends: Backends, function: Served, path: str, clients: int, seconds: float) -> Load:
    requests: Sequence[Sequence[bytes]] = [[write_request("GET", path)]] * clients
    load: Load = backends.load.call("flood", function.port, requests, seconds)
    return load.check()


def _get(function: Served, path: str) -> dict[str, Any]:
    connection = HTTPConnection("127.0.0.1", function.port, timeout=30)
    connection.request("GET", path)
    answer: dict[str, Any] = json.loads(connection.getresponse().read())
    connection.close()
    return answer


async def _prepare(backends: Backends) -> str:
    agent = await save(backends.database(), Caller(uid=LOCAL_USER))
    return agent.id

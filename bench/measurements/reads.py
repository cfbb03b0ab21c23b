"""Requests per second of routes that read, with one client and with 32."""

from collections.abc import Iterator
from contextlib import ExitStack

from bench.backends import Backends, start_backends
from bench.documents import put_floor
from bench.http import write_request
from bench.loop import run
from bench.progress import count_rounds
from bench.rates import Rates, flood, write_row
from bench.rows import Row, Target
from bench.served import Served, get_json, serve_floor, serve_function
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
        run(put_floor(backends.project, agent_id, get_json(agents, agent_path)))
        run(put_floor(backends.project, "me", get_json(users, "/users/me")))
        yield from _compare(backends, agents, read, agent_path, _READ, rounds, "the same document, one read")
        yield from _compare(
            backends,
            users,
            profile,
            "/users/me",
            _READ,
            rounds,
            "an account and no usage entries",
        )
        yield from _compare(backends, meta, empty, "/health", _HEALTH, rounds, "")


def _compare(
    backends: Backends, ours: Served, floor: Served, path: str, target: Target, rounds: int, note: str
) -> Iterator[Row]:
    name = "GET " + path.partition("/agents/")[0] + ("/agents/{id}" if "/agents/" in path else "")
    request = write_request("GET", path)
    for function in (floor, ours):
        flood(backends, function, [[request]] * max(_CLIENTS), _WARM_UP_SECONDS)
    for clients in _CLIENTS:
        rates, floor_rates = Rates(), Rates()
        what = f"{name}, {clients} client{'s' if clients > 1 else ''}"
        for _ in count_rounds(rounds, what):
            floor_rates.add(*flood(backends, floor, [[request]] * clients, _SECONDS))
            rates.add(*flood(backends, ours, [[request]] * clients, _SECONDS))
        yield write_row(what, rates, floor_rates, target, note and f"the floor reads {note}")


async def _prepare(backends: Backends) -> str:
    agent = await save(backends.database(), Caller(uid=LOCAL_USER))
    return agent.id

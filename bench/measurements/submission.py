"""Chats accepted per second: `POST /chat` of 32 users and of one user, each chat with a priced model."""

import json
from collections.abc import Iterator, Sequence

from bench.backends import Backends, start_backends
from bench.http import write_request
from bench.load import Load
from bench.rows import Row, Target
from bench.served import Served, serve_floor, serve_function
from bench.tokens import bearer

_CLIENTS = 32
_SECONDS = 2.0
_WARM_UP_SECONDS = 3.0
CHAT = {
    "provider": "openai",
    "model": "gpt-4.1-mini",
    "messages": [{"role": "user", "content": "hi"}],
    "parameters": {"max_tokens": 1000},
}
"""A chat with a priced model, which holds money until it is settled."""


def measure(rounds: int) -> Iterator[Row]:
    """Yields the rates. No worker runs; the queue accepts the tasks and drops them."""
    with (
        start_backends(APP_ENV="firebase", FIREBASE_AUTH_EMULATOR_HOST="127.0.0.1:1") as backends,
        serve_floor("submit", backends.environ) as floor,
        serve_function("chat", backends.environ) as chat,
    ):
        body = json.dumps(CHAT).encode()
        users = [_requests(backends, f"user-{number}", body) for number in range(_CLIENTS)]
        one = [_requests(backends, "one-user", body)] * _CLIENTS
        rates: dict[str, list[float]] = {"floor": [], "users": [], "one": []}
        for number in range(rounds + 1):
            seconds = _SECONDS if number else _WARM_UP_SECONDS
            for name, function, clients in (("floor", floor, users), ("users", chat, users), ("one", chat, one)):
                rate = _flood(backends, function, clients, seconds).per_second
                if number:
                    rates[name].append(rate)
        note = "each chat holds the price of its model; the floor writes three documents, each user's own account"
        many, single = Target(0.7, at_least=True), Target(0.5, at_least=True)
        yield Row(f"POST /chat, {_CLIENTS} clients, {_CLIENTS} users", "/s", rates["users"], rates["floor"], many, note)
        yield Row(f"POST /chat, {_CLIENTS} clients, one user", "/s", rates["one"], rates["floor"], single)


def _requests(backends: Backends, uid: str, body: bytes) -> Sequence[bytes]:
    headers = {"Authorization": bearer(backends.project, uid), "X-Account": uid}
    return [write_request("POST", "/chat", headers, body)]


def _flood(backends: Backends, function: Served, clients: Sequence[Sequence[bytes]], seconds: float) -> Load:
    load: Load = backends.load.call("flood", function.port, clients, seconds)
    load.check()
    accepted: int = backends.tasks.call("take_count")
    if accepted != len(load.latencies):
        raise RuntimeError(f"{len(load.latencies)} chats were accepted, but {accepted} tasks were queued.")
    return load

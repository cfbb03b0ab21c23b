"""Chats accepted per second: `POST /chat` of 32 users and of one user, each chat with a priced model."""

import json
from collections.abc import Iterator, Sequence

from bench.backends import Backends, start_backends
from bench.http import write_request
from bench.load import Load
from bench.progress import count_rounds
from bench.rates import Rates, flood, write_row
from bench.rows import Row, Target
from bench.served import serve_floor, serve_function
from bench.tokens import bearer
from bench.watching import MeasurementFailed

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
        rates = {"floor": Rates(), "users": Rates(), "one": Rates()}
        for number in count_rounds(rounds, warm_up=True):
            seconds = _SECONDS if number else _WARM_UP_SECONDS
            for name, function, clients in (("floor", floor, users), ("users", chat, users), ("one", chat, one)):
                load, cpu_seconds = flood(backends, function, clients, seconds)
                _check_tasks(backends, load)
                if number:
                    rates[name].add(load, cpu_seconds)
        note = "each chat holds the price of its model; the floor writes three documents, each user's own account"
        many, single = Target(0.7, at_least=True), Target(0.5, at_least=True)
        floor_rates = rates["floor"]
        yield write_row(f"POST /chat, {_CLIENTS} clients, {_CLIENTS} users", rates["users"], floor_rates, many, note)
        yield write_row(f"POST /chat, {_CLIENTS} clients, one user", rates["one"], floor_rates, single)


def _requests(backends: Backends, uid: str, body: bytes) -> Sequence[bytes]:
    headers = {"Authorization": bearer(backends.project, uid), "X-Account": uid}
    return [write_request("POST", "/chat", headers, body)]


def _check_tasks(backends: Backends, load: Load) -> None:
    accepted: int = backends.tasks.call("take_count")
    if accepted != len(load.latencies):
        raise MeasurementFailed(f"{len(load.latencies)} chats were accepted, but {accepted} tasks were queued.")

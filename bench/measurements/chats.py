"""Chats from their submission to their completion: one after the other, a hundred at once, and a thousand at once."""

import json
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack

from bench.backends import Backends, start_backends
from bench.doubles.tasks import Delivery
from bench.http import write_request
from bench.load import Load
from bench.loop import run
from bench.measurements.submission import CHAT
from bench.rows import Row, Target
from bench.served import Served, serve_function
from bench.statistics import percentile
from bench.tickets import check_chats
from bench.tokens import bearer

_SEQUENTIAL = 40
_SEQUENTIAL_MODEL_SECONDS = 0.1
_AT_ONCE = 100
_MANY = 1000
_CONNECTIONS = 100
"""The connections over which the thousand chats are submitted."""
_MAX_RUNNING = 250
"""The maximum number of tasks that the queue delivers at a time to each worker."""
_MODEL_SECONDS = 1.0
_MAX_SECONDS = 110.0
"""After this time no further round of the thousand chats begins."""
_WAIT_SECONDS = 150.0


def measure(rounds: int) -> Iterator[Row]:
    """Yields the rows. A chat is completed when the worker has told the queue so. All chats are checked afterwards."""
    with ExitStack() as stack:
        backends = stack.enter_context(start_backends(APP_ENV="firebase", FIREBASE_AUTH_EMULATOR_HOST="127.0.0.1:1"))
        chat, worker = (stack.enter_context(serve_function(name, backends.environ)) for name in ("chat", "worker"))
        backends.tasks.call("deliver_to", [worker.port], _MAX_RUNNING)
        _chat_all(backends, chat, ["warm-up"] * 20, 1)
        yield from _measure_sequential(backends, chat, rounds)
        yield from _measure_at_once(backends, chat, rounds)
        other = stack.enter_context(serve_function("worker", backends.environ))
        backends.tasks.call("deliver_to", [worker.port, other.port], 2 * _MAX_RUNNING)
        _chat_all(backends, chat, ["warm-up"] * 20, 20)
        yield from _measure_many(backends, chat, rounds)


def _measure_sequential(backends: Backends, chat: Served, rounds: int) -> Iterator[Row]:
    backends.model.call("set_delay", _SEQUENTIAL_MODEL_SECONDS)
    medians: list[float] = []
    slow: list[float] = []
    samples: list[list[float]] = []
    for number in range(rounds):
        uid = f"sequential-{number}"
        durations = [
            1000 * (_chat_all(backends, chat, [uid], 1)[0] - _SEQUENTIAL_MODEL_SECONDS) for _ in range(_SEQUENTIAL)
        ]
        run(check_chats(backends.project, [uid], _SEQUENTIAL))
        medians.append(percentile(durations, 50))
        slow.append(percentile(durations, 95))
        samples.append(durations)
    note = f"{_SEQUENTIAL} chats in a row each round, without the model's {_SEQUENTIAL_MODEL_SECONDS} s"
    yield Row("a chat's own time, median", "ms", medians, target=Target(40), note=note, raw={"samples": samples})
    yield Row("a chat's own time, p95", "ms", slow, target=Target(100))


def _measure_at_once(backends: Backends, chat: Served, rounds: int) -> Iterator[Row]:
    backends.model.call("set_delay", _MODEL_SECONDS)
    note = "from the first request to the last completion; one worker; each chat priced, all checked afterwards"
    totals: dict[str, list[float]] = {"users": [], "one": []}
    for number in range(rounds):
        users = [f"user-{number}-{user}" for user in range(_AT_ONCE)]
        one = [f"one-{number}"] * _AT_ONCE
        for name, uids in (("users", users), ("one", one)):
            totals[name].append(_chat_all(backends, chat, uids, _AT_ONCE)[0])
            run(check_chats(backends.project, set(uids), _AT_ONCE))
    yield Row(f"{_AT_ONCE} chats at once of {_AT_ONCE} users", "s", totals["users"], target=Target(2.0), note=note)
    yield Row(f"{_AT_ONCE} chats at once of one user", "s", totals["one"], target=Target(2.5))


def _measure_many(backends: Backends, chat: Served, rounds: int) -> Iterator[Row]:
    rates: list[float] = []
    refusals: list[int] = []
    began = time.perf_counter()
    for number in range(rounds):
        uid = f"many-{number}"
        seconds, refused = _chat_all(backends, chat, [uid] * _MANY, _CONNECTIONS)
        run(check_chats(backends.project, [uid], _MANY))
        rates.append(_MANY / seconds)
        refusals.append(refused)
        if time.perf_counter() - began > _MAX_SECONDS:
            break
    yield Row(
        f"{_MANY} chats at once of one user, two workers",
        "/s",
        rates,
        target=Target(100, at_least=True),
        note=f"{len(rates)} rounds; each chat charged once; at most {2 * _MAX_RUNNING} delivered at a time",
        raw={"refused deliveries": refusals},
    )


def _chat_all(backends: Backends, chat: Served, uids: Sequence[str], at_once: int) -> tuple[float, int]:
    """Sends a chat of each user.

    Returns the seconds from the first request to the last completion, and the number of refused deliveries.
    """
    body = json.dumps(CHAT).encode()
    requests = [write_request("POST", "/chat", {"Authorization": bearer(backends.project, uid)}, body) for uid in uids]
    load: Load = backends.load.call("send_at_once", chat.port, requests, at_once)
    load.check()
    deliveries: list[Delivery] = backends.tasks.call("wait_for", len(uids), _WAIT_SECONDS)
    if len(deliveries) != len(uids):
        raise RuntimeError(f"{len(uids)} chats were accepted, but {len(deliveries)} tasks were queued.")
    ended = max(delivery.done or 0 for delivery in deliveries)
    return ended - load.began, sum(len(delivery.refusals) for delivery in deliveries)

"""Chats from their submission to their completion: one after the other, and a hundred at once."""

from collections.abc import Iterator

from bench.backends import Backends
from bench.chatting import MODEL_SECONDS, chat_all, start_chatting
from bench.loop import run
from bench.progress import count_rounds
from bench.rows import Row, Target
from bench.served import Served
from bench.statistics import percentile
from bench.tickets import check_chats

_SEQUENTIAL = 40
_SEQUENTIAL_MODEL_SECONDS = 0.1
_AT_ONCE = 100


def measure(rounds: int) -> Iterator[Row]:
    """Yields the rows, with one worker. A chat is done when the worker has told the queue so; all are checked then."""
    with start_chatting(1) as (backends, chat):
        yield from _measure_sequential(backends, chat, rounds)
        yield from _measure_at_once(backends, chat, rounds)


def _measure_sequential(backends: Backends, chat: Served, rounds: int) -> Iterator[Row]:
    backends.model.call("set_delay", _SEQUENTIAL_MODEL_SECONDS)
    medians: list[float] = []
    slow: list[float] = []
    samples: list[list[float]] = []
    for number in count_rounds(rounds):
        uid = f"sequential-{number}"
        durations = [
            1000 * (chat_all(backends, chat, [uid], 1)[0] - _SEQUENTIAL_MODEL_SECONDS) for _ in range(_SEQUENTIAL)
        ]
        run(check_chats(backends.project, [uid], _SEQUENTIAL))
        medians.append(percentile(durations, 50))
        slow.append(percentile(durations, 95))
        samples.append(durations)
    note = f"{_SEQUENTIAL} chats in a row each round, without the model's {_SEQUENTIAL_MODEL_SECONDS} s"
    yield Row("a chat's own time, median", "ms", medians, target=Target(40), note=note, raw={"samples": samples})
    yield Row("a chat's own time, p95", "ms", slow, target=Target(100))


def _measure_at_once(backends: Backends, chat: Served, rounds: int) -> Iterator[Row]:
    backends.model.call("set_delay", MODEL_SECONDS)
    note = "from the first request to the last completion; one worker; each chat priced, all checked afterwards"
    totals: dict[str, list[float]] = {"users": [], "one": []}
    for number in count_rounds(rounds):
        users = [f"user-{number}-{user}" for user in range(_AT_ONCE)]
        one = [f"one-{number}"] * _AT_ONCE
        for name, uids in (("users", users), ("one", one)):
            totals[name].append(chat_all(backends, chat, uids, _AT_ONCE)[0])
            run(check_chats(backends.project, set(uids), _AT_ONCE))
    yield Row(f"{_AT_ONCE} chats at once of {_AT_ONCE} users", "s", totals["users"], target=Target(2.0), note=note)
    yield Row(f"{_AT_ONCE} chats at once of one user", "s", totals["one"], target=Target(2.5))

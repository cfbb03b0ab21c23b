"""Chats from their submission to their completion: one after the other, and a hundred at once."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict

from bench.chatting import MODEL_SECONDS, Chatted, Chatting, describe_cpu, start_chatting
from bench.loop import run
from bench.progress import count_rounds
from bench.rows import Row, Target
from bench.statistics import percentile
from bench.tickets import check_chats

_SEQUENTIAL = 40
_SEQUENTIAL_MODEL_SECONDS = 0.1
_AT_ONCE = 100


def measure(rounds: int) -> Iterator[Row]:
    """Yields the rows, with one worker. A chat is done when the worker has told the queue so; all are checked then."""
    with start_chatting(1) as chatting:
        yield from _measure_sequential(chatting, rounds)
        yield from _measure_at_once(chatting, rounds)


def _measure_sequential(chatting: Chatting, rounds: int) -> Iterator[Row]:
    chatting.backends.model.call("set_delay", _SEQUENTIAL_MODEL_SECONDS)
    medians: list[float] = []
    slow: list[float] = []
    samples: list[list[float]] = []
    for number in count_rounds(rounds, "one after the other"):
        uid = f"sequential-{number}"
        seconds = [chatting.send([uid], 1).seconds for _ in range(_SEQUENTIAL)]
        run(check_chats(chatting.backends.project, [uid], _SEQUENTIAL))
        durations = [1000 * (each - _SEQUENTIAL_MODEL_SECONDS) for each in seconds]
        medians.append(percentile(durations, 50))
        slow.append(percentile(durations, 95))
        samples.append(durations)
    note = f"{_SEQUENTIAL} chats in a row each round, without the model's {_SEQUENTIAL_MODEL_SECONDS} s"
    yield Row("a chat's own time, median", "ms", medians, target=Target(40), note=note, raw={"samples": samples})
    yield Row("a chat's own time, p95", "ms", slow, target=Target(100))


def _measure_at_once(chatting: Chatting, rounds: int) -> Iterator[Row]:
    chatting.backends.model.call("set_delay", MODEL_SECONDS)
    of_many: list[Chatted] = []
    of_one: list[Chatted] = []
    for number in count_rounds(rounds, f"{_AT_ONCE} at once"):
        users = [f"user-{number}-{user}" for user in range(_AT_ONCE)]
        for chats, uids in ((of_many, users), (of_one, [f"one-{number}"] * _AT_ONCE)):
            chats.append(chatting.send(uids, _AT_ONCE))
            run(check_chats(chatting.backends.project, set(uids), _AT_ONCE))
    note = "from the first request to the last completion; one worker; "
    yield _to_row(f"{_AT_ONCE} chats at once of {_AT_ONCE} users", of_many, Target(2.0), note)
    yield _to_row(f"{_AT_ONCE} chats at once of one user", of_one, Target(2.5))


def _to_row(what: str, chats: Sequence[Chatted], target: Target, note: str = "") -> Row:
    raw = {"rounds": [asdict(each) for each in chats]}
    return Row(what, "s", [each.seconds for each in chats], [], target, note + describe_cpu(chats), raw)

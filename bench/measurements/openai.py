"""Answers of `POST /v1/chat/completions`: what waiting for them adds to a chat, and when the first token arrives."""

import asyncio
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from statistics import median

from bench.backends import Backends
from bench.chatting import Chatting, start_chatting
from bench.doubles.model_server import Pace, SlowCall, write_token
from bench.http import write_request
from bench.load import Load
from bench.loop import run
from bench.progress import count_rounds
from bench.rows import Row, Target
from bench.served import Served, serve_function
from bench.statistics import percentile
from bench.tickets import check_chats
from bench.tokens import bearer
from bench.watching import MeasurementFailed

_SEQUENTIAL = 20
"""The answers of a round, one after the other."""
_MODEL_SECONDS = 0.1
_SHORT = Pace(tokens=3, pause=0.05, before_first=0.2)
_FIRST_TOKEN = f'"content":"{write_token(0)}"'.encode()
_MODEL = "openai/gpt-4.1-mini"


@dataclass(frozen=True)
class _Door:
    """The running functions."""

    backends: Backends
    chatting: Chatting
    openai: Served

    def write(self, uid: str, prompt: str = "hi", *, stream: bool = False) -> bytes:
        """Returns the request of a completion."""
        messages = [{"role": "user", "content": prompt}]
        body = json.dumps({"model": _MODEL, "messages": messages, "max_tokens": 1000, "stream": stream})
        headers = {"Authorization": bearer(self.backends.project, uid)}
        return write_request("POST", "/v1/chat/completions", headers, body.encode())


def measure(rounds: int) -> Iterator[Row]:
    """Yields the rows, with one process each of `openai`, `chat` and `worker`. All charges are checked."""
    with (
        start_chatting(1) as chatting,
        serve_function("openai", chatting.backends.environ) as openai,
    ):
        door = _Door(chatting.backends, chatting, openai)
        yield _measure_completions(door, rounds)
        yield _measure_first_token(door, rounds)


def _measure_completions(door: _Door, rounds: int) -> Row:
    door.backends.model.call("set_delay", _MODEL_SECONDS)
    completions: list[float] = []
    chats: list[float] = []
    cpu: list[float] = []
    for number in count_rounds(rounds, "completions", warm_up=True):
        uid, chatter = f"completing-{number}", f"chatting-{number}"
        own = [door.chatting.send([chatter], 1).seconds for _ in range(_SEQUENTIAL)]
        before = door.openai.total_cpu_seconds()
        load: Load = door.backends.load.call("send_at_once", door.openai.port, [door.write(uid)] * _SEQUENTIAL, 1)
        load.check()
        spent = door.openai.total_cpu_seconds() - before
        door.backends.tasks.call("wait_for", _SEQUENTIAL, 10.0)
        run(check_chats(door.backends.project, [uid, chatter], 2 * _SEQUENTIAL))
        if number:
            completions.append(_own_time(load.latencies))
            chats.append(_own_time(own))
            cpu.append(1000 * spent / _SEQUENTIAL)
    note = f"{_SEQUENTIAL} in a row each round, without the model's {_MODEL_SECONDS} s; the floor is a chat until it is"
    note += f" done; {median(cpu):.1f} ms of CPU time per completion"
    return Row("a completion's own time, median", "ms", completions, chats, Target(1.5), note)


def _own_time(seconds: list[float]) -> float:
    return 1000 * (percentile(seconds, 50) - _MODEL_SECONDS)


def _measure_first_token(door: _Door, rounds: int) -> Row:
    door.backends.model.call("set_pace", _SHORT)
    samples: list[list[float]] = []
    for number in count_rounds(rounds, "first token", warm_up=True):
        uid = f"streaming-{number}"
        sample = [_time_first_token(door, uid, f"first {number} {each}") for each in range(_SEQUENTIAL)]
        door.backends.tasks.call("wait_for", _SEQUENTIAL, 10.0)
        run(check_chats(door.backends.project, [uid], _SEQUENTIAL))
        if number:
            samples.append(sample)
    return Row(
        "first token of a streamed completion",
        "ms",
        [median(sample) for sample in samples],
        target=Target(100),
        note=f"from the model's first token to the client's, the median of {_SEQUENTIAL} in a row each round",
        raw={"samples": samples},
    )


def _time_first_token(door: _Door, uid: str, prompt: str) -> float:
    """Returns the milliseconds from the model's first token to the client's."""
    received = run(_stream(door.openai.port, door.write(uid, prompt, stream=True)))
    calls: list[SlowCall] = door.backends.model.call("get_slow_calls")
    first = next((call.first for call in calls if call.prompt == prompt), None)
    if first is None:
        raise MeasurementFailed(f"The model was not called for {prompt}.")
    return 1000 * (received - first)


async def _stream(port: int, request: bytes) -> float:
    """Sends the request, reads the whole response, and returns when its first token arrived."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request)
    received, first = b"", None
    try:
        async with asyncio.timeout(30):
            while not received.endswith(b"0\r\n\r\n") and (data := await reader.read(65_536)):
                received += data
                if first is None and _FIRST_TOKEN in received:
                    first = time.perf_counter()
    finally:
        writer.close()
    if first is None or b"data: [DONE]" not in received:
        raise MeasurementFailed(f"A streamed completion is not complete: {received[:300]!r}")
    return first

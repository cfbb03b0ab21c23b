"""Live answers: how soon a model's words reach those who watch, what streaming costs, many watchers, and cancelling."""

import asyncio
import json
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from statistics import median
from typing import Any

import psutil
from google.cloud.firestore import AsyncClient, Client

from bench.backends import Backends, start_backends
from bench.doubles.model_server import Pace, SlowCall, write_tokens
from bench.events import Followed, Followers
from bench.http import Connection, write_request
from bench.loop import run
from bench.measurements.submission import CHAT
from bench.memory import measure_memory
from bench.progress import count_rounds
from bench.remote import Remote
from bench.rows import Row, Target
from bench.served import Served, serve_function
from bench.tickets import check_chats
from bench.tokens import bearer
from bench.watching import MeasurementFailed

_CHATS = 20
"""The chats of a round, one after the other, for medians."""
_SHORT = Pace(tokens=3, pause=0.05, before_first=0.6)
"""The watchers have until the first token to connect."""
_LONG = Pace(tokens=100, pause=0.1)
_TICKETS, _WATCHERS_EACH = 50, 4
_WATCHED = Pace(tokens=40, pause=0.15, before_first=4.0)
_ENDLESS = Pace(tokens=1000, pause=0.05)
_POLL_SECONDS = 0.01
_END_SECONDS = 30.0


@dataclass(frozen=True)
class _Live:
    """The running functions, and the clients that follow chats."""

    backends: Backends
    chat: Served
    followers: Remote

    def request(self, method: str, path: str, uid: str, body: Any = None) -> bytes:
        encoded = None if body is None else json.dumps(body).encode()
        return write_request(method, path, {"Authorization": bearer(self.backends.project, uid)}, encoded)

    def send(self, method: str, path: str, uid: str, body: Any = None) -> Any:
        """Returns the response's body. Raises `MeasurementFailed` if its status is not 2xx."""

        async def send() -> Any:
            connection = await Connection.open(self.chat.port)
            response = await connection.send(self.request(method, path, uid, body))
            connection.close()
            if not response.succeeded:
                raise MeasurementFailed(f"{method} {path}: {response.status} {response.body[:300]!r}")
            return json.loads(response.body)

        return run(send())

    def submit(self, uid: str, prompt: str) -> str:
        """Submits a chat and returns its ticket's id."""
        body = {**CHAT, "messages": [{"role": "user", "content": prompt}]}
        ticket_id: str = self.send("POST", "/chat", uid, body)["ticket_id"]
        return ticket_id

    def follow(self, tickets: Sequence[tuple[str, str]]) -> None:
        """Follows tickets, given by their owners and ids, until `finish`."""
        requests = [self.request("GET", f"/chat/{ticket_id}/events", uid) for uid, ticket_id in tickets]
        self.followers.call("follow", self.chat.port, requests)

    def finish(self) -> list[Followed]:
        """Returns what the followers received, after the end of all tickets."""
        received: list[Followed] = self.followers.call("finish")
        return received

    def find_call(self, prompt: str) -> SlowCall | None:
        """Returns the model's call with this prompt, if it has begun."""
        calls: list[SlowCall] = self.backends.model.call("get_slow_calls")
        return next((call for call in calls if call.prompt == prompt), None)


@dataclass
class _Round:
    """The figures of a round."""

    events: list[float] = field(default_factory=list[float])
    listener: list[float] = field(default_factory=list[float])


def measure(rounds: int) -> Iterator[Row]:
    """Yields the rows, with one worker and one process of `chat`. All results and charges are checked."""
    with ExitStack() as stack:
        backends = stack.enter_context(start_backends(APP_ENV="firebase", FIREBASE_AUTH_EMULATOR_HOST="127.0.0.1:1"))
        chat = stack.enter_context(serve_function("chat", backends.environ))
        worker = stack.enter_context(serve_function("worker", backends.environ))
        backends.tasks.call("deliver_to", [worker.port], 1000)
        live = _Live(backends, chat, stack.enter_context(Remote(Followers)))
        yield from _measure_first_token(live, rounds)
        yield from _measure_whole_stream(live, rounds)
        yield from _measure_watchers(live, rounds)
        yield _measure_cancel(live, rounds)


def _measure_first_token(live: _Live, rounds: int) -> Iterator[Row]:
    live.backends.model.call("set_pace", _SHORT)
    samples: list[_Round] = []
    client = Client(project=live.backends.project)
    for number in count_rounds(rounds, "first token", warm_up=True):
        sample = _Round()
        for each in range(_CHATS if number else 2):
            events, listener = _time_first_token(live, client, f"first-{number}", f"first {number} {each}")
            sample.events.append(events)
            sample.listener.append(listener)
        run(check_chats(live.backends.project, [f"first-{number}"], len(sample.events)))
        if number:
            samples.append(sample)
    client.close()
    note = f"from the model's first token to the watcher's, the median of {_CHATS} chats in a row each round"
    yield Row(
        "first token, by GET /chat/{id}/events",
        "ms",
        [median(sample.events) for sample in samples],
        target=Target(100),
        note=note,
        raw={"samples": [sample.events for sample in samples]},
    )
    yield Row(
        "first token, by a Firestore listener",
        "ms",
        [median(sample.listener) for sample in samples],
        target=Target(200),
        note="the same chats, listened to over gRPC",
        raw={"samples": [sample.listener for sample in samples]},
    )


def _time_first_token(live: _Live, client: Client, uid: str, prompt: str) -> tuple[float, float]:
    """Returns the milliseconds from the model's first token to both watchers."""
    seen: list[float] = []

    def note(snapshots: Any, _changes: Any, _time: Any) -> None:
        if snapshots and not seen:
            seen.append(time.perf_counter())

    ticket_id = live.submit(uid, prompt)
    query: Any = client.collection("tickets").document(ticket_id).collection("parts").order_by("n")
    listener = query.on_snapshot(note)
    try:
        live.follow([(uid, ticket_id)])
        (followed,) = live.finish()
        call = live.find_call(prompt)
        _wait_until(lambda: bool(seen), "The Firestore listener has reported no part.")
    finally:
        listener.unsubscribe()
    first = call.first if call else None
    if first is None:
        raise MeasurementFailed(f"The model was not called for {prompt}.")
    return 1000 * (followed.first - first), 1000 * (seen[0] - first)


def _measure_whole_stream(live: _Live, rounds: int) -> Iterator[Row]:
    live.backends.model.call("set_pace", _LONG)
    overheads: list[float] = []
    rates: list[float] = []
    for number in count_rounds(rounds, "an answer of 10 s"):
        uid = prompt = f"whole-{number}"
        began = time.perf_counter()
        ticket_id = live.submit(uid, prompt)
        live.follow([(uid, ticket_id)])
        (followed,) = live.finish()
        call = live.find_call(prompt)
        if call is None or call.ended is None:
            raise MeasurementFailed(f"The model did not finish {prompt}.")
        model_seconds = call.ended - call.began
        overheads.append(100 * (followed.done - began - model_seconds) / model_seconds)
        rates.append(run(_count_parts(live.backends.project, ticket_id)) / model_seconds)
        _check_received([followed], _LONG)
        run(check_chats(live.backends.project, [uid], 1))
    note = f"{_LONG.tokens} tokens, {_LONG.pause} s apart; from the submission to the end, without the model's own time"
    yield Row("a whole live answer: overhead", "%", overheads, target=Target(5), note=note)
    yield Row("a whole live answer: parts written", "/s", rates, target=Target(4))


async def _count_parts(project: str, ticket_id: str) -> int:
    parts = AsyncClient(project=project).collection("tickets").document(ticket_id).collection("parts")
    return len(await parts.get())


def _measure_watchers(live: _Live, rounds: int) -> Iterator[Row]:
    live.backends.model.call("set_pace", _WATCHED)
    memory: dict[str, list[float]] = {"before": [], "during": [], "after": []}
    for number in count_rounds(rounds, f"{_TICKETS * _WATCHERS_EACH} watchers", warm_up=True):
        before = _measure_memory(live.chat)
        uids = [f"watched-{number}-{each}" for each in range(_TICKETS)]
        live.follow([(uid, live.submit(uid, uid)) for uid in uids] * _WATCHERS_EACH)
        run(asyncio.sleep(_WATCHED.before_first))
        during = _measure_memory(live.chat)
        _check_received(live.finish(), _WATCHED)
        run(check_chats(live.backends.project, uids, _TICKETS))
        if number:
            for name, value in (("before", before), ("during", during), ("after", _measure_memory(live.chat))):
                memory[name].append(value)
    note = f"of {_TICKETS} tickets, on one process of `chat`; each received each part once; "
    note += ", ".join(f"{name} {median(values):.0f} MiB" for name, values in memory.items())
    what = f"{_TICKETS * _WATCHERS_EACH} watchers: memory"
    yield Row(f"{what} while they watch", "MiB", memory["during"], memory["before"], Target(1.25), note, memory)
    yield Row(f"{what} after they left", "MiB", memory["after"], memory["before"], Target(1.05))


def _measure_memory(function: Served) -> float:
    process = psutil.Process(function.pid)
    return measure_memory([process, *process.children(recursive=True)]).occupied


def _check_received(received: Sequence[Followed], pace: Pace) -> None:
    """Raises `MeasurementFailed` unless each watcher has exactly the result, and each part once and in order."""
    text = write_tokens(pace.tokens)
    for followed in received:
        if not ("".join(followed.texts) == followed.content == text):
            raise MeasurementFailed(f"A watcher received {followed.texts}, but the result is {followed.content}.")
        if followed.ids != list(range(1, len(followed.ids) + 1)):
            raise MeasurementFailed(f"A watcher received the parts {followed.ids}.")


def _measure_cancel(live: _Live, rounds: int) -> Row:
    live.backends.model.call("set_pace", _ENDLESS)
    samples = [
        [_time_cancel(live, f"cancelled-{number}", f"cancelled {number} {each}") for each in range(_CHATS)]
        for number in count_rounds(rounds, "cancel")
    ]
    note = f"from the request to the end of the model's connection, the median of {_CHATS} chats in a row each round"
    return Row(
        "POST /chat/{id}/cancel",
        "s",
        [median(each) for each in samples],
        target=Target(1),
        note=note,
        raw={"samples": samples},
    )


def _time_cancel(live: _Live, uid: str, prompt: str) -> float:
    """Returns the seconds from the request to cancel to the end of the model's connection."""
    ticket_id = live.submit(uid, prompt)

    def has_ended() -> bool:
        call = live.find_call(prompt)
        return call is not None and call.ended is not None

    def speaks() -> bool:
        call = live.find_call(prompt)
        return call is not None and call.sent > 2

    _wait_until(speaks, "The model was not called.")
    began = time.perf_counter()
    ended = live.send("POST", f"/chat/{ticket_id}/cancel", uid)
    if ended["status"] != "cancelled":
        raise MeasurementFailed(f"A cancelled chat is {ended['status']}.")
    _wait_until(has_ended, "The model's connection was not closed.")
    call = live.find_call(prompt)
    assert call is not None  # noqa: S101 - has_ended has seen it
    return (call.ended or 0.0) - began


def _wait_until(holds: Callable[[], bool], failure: str) -> None:
    deadline = time.monotonic() + _END_SECONDS
    while not holds():
        if time.monotonic() > deadline:
            raise MeasurementFailed(failure)
        run(asyncio.sleep(_POLL_SECONDS))

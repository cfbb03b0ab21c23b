"""A thousand chats of one user at once, with two workers: each must be answered and charged once."""

import time
from collections.abc import Iterator

from bench.chatting import MAX_RUNNING, MODEL_SECONDS, chat_all, start_chatting
from bench.loop import run
from bench.progress import count_rounds
from bench.rows import Row, Target
from bench.tickets import check_chats

_CHATS = 1000
_WORKERS = 2
_CONNECTIONS = 100
"""The connections over which the chats are submitted."""
_MAX_SECONDS = 110.0
"""After this time, no further round begins."""


def measure(rounds: int) -> Iterator[Row]:
    """Yields the rate from the first request to the last completion. Slow rounds reduce their number."""
    rates: list[float] = []
    refusals: list[int] = []
    with start_chatting(_WORKERS) as (backends, chat):
        backends.model.call("set_delay", MODEL_SECONDS)
        began = time.perf_counter()
        for number in count_rounds(rounds):
            uid = f"many-{number}"
            seconds, refused = chat_all(backends, chat, [uid] * _CHATS, _CONNECTIONS)
            run(check_chats(backends.project, [uid], _CHATS))
            rates.append(_CHATS / seconds)
            refusals.append(refused)
            if time.perf_counter() - began > _MAX_SECONDS:
                break
    note = f"rounds: {len(rates)}; each chat charged once; at most {_WORKERS * MAX_RUNNING} delivered at a time"
    raw = {"refused deliveries": refusals}
    yield Row(f"{_CHATS} chats at once of one user, two workers", "/s", rates, [], Target(100, True), note, raw)

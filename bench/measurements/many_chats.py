"""A thousand chats of one user at once, with two workers: each must be answered and charged once."""

import time
from collections.abc import Iterator
from dataclasses import asdict

from bench.chatting import MAX_RUNNING, MODEL_SECONDS, Chatted, describe_cpu, start_chatting
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
    chats: list[Chatted] = []
    with start_chatting(_WORKERS) as chatting:
        chatting.backends.model.call("set_delay", MODEL_SECONDS)
        began = time.perf_counter()
        for number in count_rounds(rounds):
            uid = f"many-{number}"
            chats.append(chatting.send([uid] * _CHATS, _CONNECTIONS))
            run(check_chats(chatting.backends.project, [uid], _CHATS))
            if time.perf_counter() - began > _MAX_SECONDS:
                break
    yield Row(
        f"{_CHATS} chats at once of one user, two workers",
        "/s",
        [_CHATS / each.seconds for each in chats],
        target=Target(100, at_least=True),
        note=f"rounds: {len(chats)}; at most {_WORKERS * MAX_RUNNING} delivered at a time; {describe_cpu(chats)}",
        raw={"rounds": [asdict(each) for each in chats]},
    )

"""Shares of a process: how many requests of one user, of a kind that may take long, are under way in it at a time.

A process takes only so many requests at a time (`concurrency` in a function's `functions.yaml`), and some wait for a
stranger's server for most of a minute. A limit by the minute lets one user have all of them wait. Counted in each
process alone, so that it costs no reads and no writes.
"""

from collections import Counter
from collections.abc import Generator
from contextlib import contextmanager

from shared.models.errors import TooManyRequests
from shared.per_loop import per_loop

_AGAIN_SECONDS = 5


@per_loop
def _under_way(project: str, kind: str) -> Counter[str]:
    del project, kind  # the key
    return Counter()


@contextmanager
def share(project: str, kind: str, uid: str, most: int) -> Generator[None]:
    """Within it, one more request of `kind` is under way for the user. Raises `TooManyRequests` for more than `most`.

    It does not queue: a waiting request would occupy the process just the same.
    """
    counts = _under_way(project, kind)
    if counts[uid] >= most:
        raise TooManyRequests(
            f"{most} of your requests of this kind are under way. Send this one again when one has ended.",
            retry_after=_AGAIN_SECONDS,
        )
    counts[uid] += 1
    try:
        yield
    finally:
        counts[uid] -= 1
        if not counts[uid]:
            del counts[uid]

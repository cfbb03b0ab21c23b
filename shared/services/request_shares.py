"""Limits how many requests of one user a process serves concurrently, for kinds of requests that may take long.

A process serves a limited number of concurrent requests (`concurrency` in a function's `functions.yaml`), and some
requests wait for another server for most of a minute. With only a rate limit, one user could occupy the whole process.
Each process counts separately, so this costs no reads or writes.
"""

from collections import Counter
from collections.abc import Generator
from contextlib import contextmanager

from shared.models.errors import TooManyRequests
from shared.per_loop import per_loop

_RETRY_AFTER_SECONDS = 5


@per_loop
def _get_counts(project: str, kind: str) -> Counter[str]:
    del project, kind  # the key
    return Counter()


@contextmanager
def share(project: str, kind: str, uid: str, max_requests: int) -> Generator[None]:
    """Counts a request of `kind` during the block. Raises `TooManyRequests` if `max_requests` are already under way.

    Does not wait, because a waiting request would also occupy the process.
    """
    counts = _get_counts(project, kind)
    if counts[uid] >= max_requests:
        raise TooManyRequests(
            f"{max_requests} of your requests of this kind are under way. Send this one again when one of them ends.",
            retry_after=_RETRY_AFTER_SECONDS,
        )
    counts[uid] += 1
    try:
        yield
    finally:
        counts[uid] -= 1
        if not counts[uid]:
            del counts[uid]

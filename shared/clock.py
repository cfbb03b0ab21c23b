"""The time of day, from one place, so that tests can move it.

Durations are measured with `time.monotonic`, which nobody needs to move.
"""

import time as _time
from datetime import UTC, datetime


def time() -> float:
    """Seconds since 1970."""
    return _time.time()  # noqa: TID251 - the one place


def now() -> datetime:
    """The same, as a moment in UTC."""
    return datetime.fromtimestamp(time(), UTC)

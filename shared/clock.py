"""The only source of the current time, so that tests can change it.

Durations are measured with `time.monotonic`, which tests need not change.
"""

import time as _time
from datetime import UTC, datetime


def time() -> float:
    """Returns the seconds since 1970."""
    return _time.time()  # noqa: TID251 - the only use


def now() -> datetime:
    """Returns the current time in UTC."""
    return datetime.fromtimestamp(time(), UTC)

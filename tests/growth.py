"""Measures how a function's CPU time grows with its input. The CPU time of a thread, unlike elapsed time, does not
depend on other processes, nor on other threads of the tests' process.
"""

import time
from collections.abc import Callable

_ROUNDS = 3
_MAX_LINEAR_RATIO = 3.0
"""With twice the input, a function takes twice the time if the growth is linear, and four times if it is quadratic."""


def grows_linearly(function: Callable[[str], object], make: Callable[[int], str], size: int) -> bool:
    """Returns whether `function` takes at most about twice as long for `make(2 * size)` as for `make(size)`, or almost
    no time."""
    small, large = (min(_cpu_seconds(function, make(length)) for _ in range(_ROUNDS)) for length in (size, 2 * size))
    return large < _MAX_LINEAR_RATIO * small or large < 0.005


def _cpu_seconds(function: Callable[[str], object], text: str) -> float:
    start = time.thread_time()
    function(text)
    return time.thread_time() - start

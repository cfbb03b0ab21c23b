"""Measures how a function's CPU time grows with its input. Unlike elapsed time, it does not depend on other load."""

import time
from collections.abc import Callable

_ROUNDS = 3
_SUPERLINEAR = 3.0
"""Twice the input takes twice the time if the growth is linear, and four times if it is quadratic."""


def grows_linearly(function: Callable[[str], object], make: Callable[[int], str], size: int) -> bool:
    """Whether `function` takes about twice as long for `make(2 * size)` as for `make(size)`, or almost no time."""
    small, large = (min(_cpu_seconds(function, make(n)) for _ in range(_ROUNDS)) for n in (size, 2 * size))
    return large < _SUPERLINEAR * small or large < 0.005


def _cpu_seconds(function: Callable[[str], object], text: str) -> float:
    start = time.process_time()
    function(text)
    return time.process_time() - start

"""Measures how the CPU time of a function grows with its input. Unlike elapsed time, it does not depend on the load."""

import time
from collections.abc import Callable

_ROUNDS = 3
_SUPERLINEAR = 3.0
"""Twice the input takes twice the time if it is linear, and four times the time if it is quadratic."""


def grows_linearly(function: Callable[[str], object], make: Callable[[int], str], size: int) -> bool:
    """Returns whether the time of `function` grows linearly from `make(size)` to `make(2 * size)`.

    It must take less than three times as long, or less than 5 ms.
    """
    small, large = (min(_cpu_seconds(function, make(n)) for _ in range(_ROUNDS)) for n in (size, 2 * size))
    return large < _SUPERLINEAR * small or large < 0.005


def _cpu_seconds(function: Callable[[str], object], text: str) -> float:
    began = time.process_time()
    function(text)
    return time.process_time() - began

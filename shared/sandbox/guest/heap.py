"""Prepares the heap for the snapshot so that runs write to few of its pages, as each written page has to be copied.

Freed memory leaves small gaps all over the heap, which a run would use one by one. If the gaps are filled, the run
allocates its memory at the heap's end, where all of it is contiguous.

Python counts in a function's code how often branches are taken, so a run writes to the code of each function that it
calls. That code is gathered in a few adjacent pages.
"""

import gc
from collections.abc import Set as AbstractSet
from types import CodeType, FunctionType

_MAX_GAP_BYTES = 2**20
_SIZES = [*(2**n for n in range(18, 9, -1)), *range(512, 0, -4)]
_PARTS, _PART_BYTES = 3, 2**17
reserve: list[bytes] = []
"""Memory that is freed in parts after the code has failed, to have enough memory for describing the failure."""
_fillers: list[object] = []


def allocate_reserve() -> None:
    """Allocates the reserve."""
    reserve.extend(bytes(_PART_BYTES) for _ in range(_PARTS))


def release_part_of_reserve() -> None:
    """Frees a part of the reserve, if any is left."""
    if reserve:
        reserve.pop()


def fill_gaps() -> None:
    """Allocates blocks of each size, from the largest to the smallest, until blocks are placed at the heap's end."""
    end = id(bytes(_MAX_GAP_BYTES))  # too large for any gap
    for size in _SIZES:
        while id(filler := bytes(size)) < end:
            _fillers.append(filler)
    while id(smallest := object()) < end:
        _fillers.append(smallest)


def gather(codes: AbstractSet[CodeType]) -> None:
    """Gives the functions with these codes new copies of them, next to each other. Fill the gaps first."""
    for function in gc.get_objects():
        if type(function) is FunctionType and function.__code__ in codes:
            function.__code__ = function.__code__.replace()

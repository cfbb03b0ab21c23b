"""Prepares the heap for the snapshot, so that a run writes to few of its pages. Each written page has to be copied.

Freed memory forms small gaps all over the heap, which a run would use up one by one. When the gaps are filled, the run
allocates at the heap's end, where all of its memory is contiguous.
"""

_MAX_GAP_BYTES = 2**20
_SIZES = [*(2**n for n in range(18, 9, -1)), *range(512, 0, -4)]
_PARTS, _PART_BYTES = 3, 2**17
reserve: list[bytes] = []
"""Memory that is freed, part by part, when the code has failed, so that enough is left to describe the failure."""
_fillers: list[object] = []


def set_aside() -> None:
    """Allocates the reserve."""
    reserve.extend(bytes(_PART_BYTES) for _ in range(_PARTS))


def give_back() -> None:
    """Frees a part of the reserve, if one is left."""
    if reserve:
        reserve.pop()


def fill_gaps() -> None:
    """Allocates blocks of each size, from the largest to the smallest, until they are placed at the heap's end."""
    end = id(bytes(_MAX_GAP_BYTES))  # too large for any gap
    for size in _SIZES:
        while id(filler := bytes(size)) < end:
            _fillers.append(filler)
    while id(smallest := object()) < end:
        _fillers.append(smallest)

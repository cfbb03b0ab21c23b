"""Prepares the heap for the snapshot, so that a run writes to few of its pages: each of those has to be copied for it.

Freed memory lies in small gaps all over the heap, which a run would use up one by one. With the gaps filled, it
allocates from the heap's end, where all of its memory lies together.
"""

_MAX_GAP_BYTES = 2**20
_SIZES = [*(2**n for n in range(18, 9, -1)), *range(512, 0, -4)]
_PARTS, _PART_BYTES = 3, 2**17
reserve: list[bytes] = []
"""Memory that is freed, part by part, when the code has failed, so that there is some for describing the failure."""
_fillers: list[object] = []


def set_aside() -> None:
    """Allocates the reserve."""
    reserve.extend(bytes(_PART_BYTES) for _ in range(_PARTS))


def give_back() -> None:
    """Frees a part of the reserve, if there is any left."""
    if reserve:
        reserve.pop()


def fill_gaps() -> None:
    """Allocates sizes from the largest to the smallest, each until the heap's end is reached."""
    end = id(bytes(_MAX_GAP_BYTES))  # which is too large for a gap
    for size in _SIZES:
        while id(filler := bytes(size)) < end:
            _fillers.append(filler)
    while id(smallest := object()) < end:
        _fillers.append(smallest)

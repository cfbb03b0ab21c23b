"""The memory of a function's processes."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import psutil


@dataclass(frozen=True)
class Memory:
    """The memory of some processes, in MiB.

    `occupied`: each page that they have counts once, whoever else has it. `proportional` (PSS) divides a page by the
    number of all processes of the machine that have it. `resident` (RSS) counts it once for each of these processes.
    """

    occupied: float
    proportional: float
    resident: float


def measure_memory(processes: Sequence[psutil.Process]) -> Memory:
    """Measures processes that were forked from the first of them."""
    mappings = [process.memory_maps(grouped=True) for process in processes]
    each = [mapping for maps in mappings for mapping in maps]
    sizes = (occupy(mappings), sum(mapping.pss for mapping in each), sum(mapping.rss for mapping in each))
    return Memory(*(size / 2**20 for size in sizes))


def occupy(mappings: Sequence[Sequence[Any]]) -> float:
    """Returns the bytes of the pages that processes with these memory maps have, each page counted once.

    Only these processes share pages without a file, so the sum of their proportional sizes is exact. Other processes
    may have the same pages of a file: of these, the process with the most pages of the file is taken to have them all.
    """
    anonymous = 0.0
    files: dict[str, int] = defaultdict(int)
    for maps in mappings:
        for mapping in maps:
            if mapping.path.startswith("/"):
                anonymous += mapping.private_dirty
                files[mapping.path] = max(files[mapping.path], mapping.rss - mapping.private_dirty)
            else:
                anonymous += mapping.pss
    return anonymous + sum(files.values())

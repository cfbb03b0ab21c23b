"""The memory of several processes."""

from dataclasses import dataclass

import psutil
import pytest

from bench.memory import measure_memory, occupy


@dataclass
class Mapping:
    """A part of a process's memory, as psutil describes it."""

    path: str
    rss: int
    pss: float = 0.0
    private_dirty: int = 0


def test_each_page_counts_once() -> None:
    """Pages without a file are shared only by these processes. A file's pages are shared, unless they were changed."""
    parent = [Mapping("[heap]", 100, 60.0), Mapping("/lib/x.so", 50, 5.0), Mapping("/lib/y.so", 10, 1.0)]
    child = [Mapping("[heap]", 120, 80.0), Mapping("/lib/x.so", 75, 4.0, private_dirty=5)]
    assert occupy([parent, child]) == 60 + 80 + 5 + 70 + 10


def test_a_process_occupies_no_more_than_its_resident_size() -> None:
    """Other processes may have some of its pages as well, so the proportional size is at most the same."""
    memory = measure_memory([psutil.Process()])
    assert 0 < memory.proportional <= memory.occupied + 0.1
    assert memory.occupied <= memory.resident + 0.1
    assert memory.resident == pytest.approx(psutil.Process().memory_info().rss / 2**20, rel=0.1)

"""The garbage collector is paused during imports, and does not visit what they created."""

import gc
from collections.abc import Iterator
from threading import Thread

import pytest

from shared import garbage_collector


@pytest.fixture(autouse=True)
def collector() -> Iterator[None]:
    """The collector runs before and after each test, and nothing stays frozen."""
    assert gc.isenabled()
    yield
    gc.unfreeze()
    gc.enable()


def test_a_pause_freezes_what_was_created_in_it() -> None:
    """Within the block, nothing is collected. Afterwards, the collector runs, but without the existing objects."""
    before = gc.get_freeze_count()
    with garbage_collector.paused():
        created = [[] for _ in range(1000)]
        assert not gc.isenabled()
    assert gc.isenabled()
    assert gc.get_freeze_count() >= before + len(created)


def test_overlapping_pauses_end_together() -> None:
    """Two threads may import at the same time: the collector stays off until both have finished."""
    with garbage_collector.paused():
        other = Thread(target=garbage_collector.resume)
        garbage_collector.pause()
        other.start()
        other.join()
        assert not gc.isenabled()
    assert gc.isenabled()


def test_a_failed_import_ends_its_pause() -> None:
    """The collector also runs after an import that failed."""
    with pytest.raises(ImportError), garbage_collector.paused():
        raise ImportError
    assert gc.isenabled()

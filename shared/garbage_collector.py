"""Pauses Python's garbage collector while modules are imported.

An import creates many objects and no garbage. The collector would visit all of them, again and again: this takes a
tenth to a quarter of the time of an import. When the last pause ends, all objects that exist are frozen: the collector
never visits them again. It therefore stays fast, and does not write to the memory that gunicorn's two processes share.
"""

import gc
from collections.abc import Generator
from contextlib import contextmanager
from threading import Lock

_lock = Lock()
_pauses = 0


def pause() -> None:
    """Stops the collector until `resume` has been called as often as this function."""
    global _pauses
    with _lock:
        _pauses += 1
        gc.disable()


def resume() -> None:
    """Ends one pause. At the end of the last one, freezes all existing objects and starts the collector."""
    global _pauses
    with _lock:
        _pauses -= 1
        if _pauses == 0:
            gc.freeze()
            gc.enable()


@contextmanager
def paused() -> Generator[None]:
    """Pauses the collector within the block. The block may run in any thread."""
    pause()
    try:
        yield
    finally:
        resume()

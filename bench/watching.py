"""Watches the processes that a measurement depends on, so that it ends when one of them does, instead of waiting."""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass

CHECK_SECONDS = 0.5
"""How often those who wait check the processes."""


class MeasurementFailed(Exception):
    """A measurement cannot continue. The message is a short cause; notes have the details, such as the last log lines.

    It is expected when something breaks, so it is shown without the traceback of the measuring process.
    """


@dataclass(frozen=True)
class _Watched:
    name: str
    has_ended: Callable[[], bool]


_watched: list[_Watched] = []


@contextmanager
def watch(name: str, has_ended: Callable[[], bool]) -> Generator[None]:
    """Within the block, `check_processes` reports the end of this process."""
    entry = _Watched(name, has_ended)
    _watched.append(entry)
    try:
        yield
    finally:
        _watched.remove(entry)


def check_processes() -> None:
    """Raises `MeasurementFailed` with the names of the watched processes that have ended."""
    if ended := [entry.name for entry in _watched if entry.has_ended()]:
        raise MeasurementFailed(f"{' and '.join(ended)} ended unexpectedly")

"""The effect of a signal at each step of the end."""

import signal
from collections.abc import Iterator

import pytest

from local_platform.launch import Interruption

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@pytest.fixture
def interruption() -> Iterator[Interruption]:
    before = {number: signal.signal(number, signal.SIG_DFL) for number in SIGNALS}  # the tests may run under nohup
    listening = Interruption()
    listening.listen()
    yield listening
    for number, handler in before.items():
        signal.signal(number, handler)


def _state(interruption: Interruption) -> tuple[bool, bool, bool]:
    return interruption.cancelled.is_set(), interruption.hurried.is_set(), interruption.forced.is_set()


def test_under_nohup_a_closed_terminal_has_no_effect() -> None:
    """`nohup` asks for exactly that."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    others = {number: signal.getsignal(number) for number in SIGNALS[:2]}
    try:
        interruption = Interruption()
        interruption.listen()
        signal.raise_signal(signal.SIGHUP)
        assert _state(interruption) == (False, False, False)
    finally:
        for number, handler in {signal.SIGHUP: before, **others}.items():
            signal.signal(number, handler)


@pytest.mark.parametrize("number", SIGNALS[:2])
def test_only_the_third_signal_forces(interruption: Interruption, number: signal.Signals) -> None:
    """The second one only ends the wait for requests."""
    assert _state(interruption) == (False, False, False)
    signal.raise_signal(number)
    assert _state(interruption) == (True, False, False)
    signal.raise_signal(number)
    assert _state(interruption) == (True, True, False)
    signal.raise_signal(number)
    assert _state(interruption) == (True, True, True)


@pytest.mark.parametrize("begun", SIGNALS)
def test_a_closed_terminal_begins_the_stop_and_never_forces(interruption: Interruption, begun: signal.Signals) -> None:
    """However often the signal comes, and after any other signal."""
    signal.raise_signal(begun)
    for _ in range(3):
        signal.raise_signal(signal.SIGHUP)
    assert _state(interruption) == (True, False, False)

"""Signals end the service in three steps: cancel, stop waiting, force."""

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
    return interruption.cancelled.is_set(), interruption.wait_cancelled.is_set(), interruption.forced.is_set()


def test_a_closed_terminal_has_no_effect_under_nohup() -> None:
    """An ignored SIGHUP, as under `nohup`, stays ignored."""
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
    """The first signal cancels, the second ends the wait for requests, and the third forces the end."""
    assert _state(interruption) == (False, False, False)
    signal.raise_signal(number)
    assert _state(interruption) == (True, False, False)
    signal.raise_signal(number)
    assert _state(interruption) == (True, True, False)
    signal.raise_signal(number)
    assert _state(interruption) == (True, True, True)


@pytest.mark.parametrize("first", SIGNALS)
def test_a_closed_terminal_only_cancels(interruption: Interruption, first: signal.Signals) -> None:
    """SIGHUP only cancels, no matter how often it arrives and which signal came first."""
    signal.raise_signal(first)
    for _ in range(3):
        signal.raise_signal(signal.SIGHUP)
    assert _state(interruption) == (True, False, False)

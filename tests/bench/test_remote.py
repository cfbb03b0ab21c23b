"""Objects in processes of their own."""

import asyncio
import multiprocessing
import os
import signal

import pytest

from bench.remote import Remote, RemoteFailed
from bench.watching import MeasurementFailed, watch


class Counter:
    """Counts in another process."""

    def __init__(self, start: int) -> None:
        self._count = start

    async def stop(self) -> None:
        """Does nothing."""

    async def add(self, number: int) -> tuple[int, int]:
        """Returns the sum and the process."""
        self._count += number
        return self._count, os.getpid()

    async def fail(self) -> None:
        """Raises an exception."""
        raise ValueError("It broke.")

    async def end(self) -> None:
        """Ends the process without a response."""
        os._exit(3)

    async def hang(self) -> None:
        """Never responds."""
        await asyncio.Event().wait()


def test_an_object_lives_in_its_own_process() -> None:
    """It keeps its state from call to call, and after a failed one, whose traceback is shown."""
    with Remote(Counter, 10) as counter:
        count, process = counter.call("add", 1)
        assert count == 11
        assert process != os.getpid()
        with pytest.raises(RemoteFailed, match="It broke"):
            counter.call("fail")
        counter.begin("add", 2)
        assert counter.finish() == (13, process)
    with pytest.raises(ProcessLookupError):
        os.kill(process, 0)


def test_a_failure_has_a_short_message_and_the_whole_traceback() -> None:
    """The message fits into a cell of the table."""
    with Remote(Counter, 0) as counter, pytest.raises(RemoteFailed) as caught:
        counter.call("fail")
    assert str(caught.value) == "ValueError: It broke."
    assert caught.value.__notes__[0].startswith("Traceback (most recent call last)")


def test_the_end_of_the_process_is_reported() -> None:
    """At once, with its status, both during a call and before one."""
    with Remote(Counter, 0) as counter, pytest.raises(RemoteFailed, match="the process of Counter ended with status 3"):
        counter.call("end")
    with Remote(Counter, 0) as counter:
        process = counter.call("add", 0)[1]
        os.kill(process, signal.SIGKILL)
        with pytest.raises(RemoteFailed, match="ended with status -9"):
            counter.call("add", 1)


def test_a_call_has_a_time_limit() -> None:
    """The process is then terminated, and not awaited."""
    with pytest.raises(RemoteFailed, match="Counter has not responded for"), Remote(Counter, 0) as counter:
        counter.call("hang", timeout=0.01)
    assert not multiprocessing.active_children()


def test_a_call_ends_when_a_process_that_it_depends_on_ends() -> None:
    """The emulator, for example: its callers would wait for it."""
    with (
        pytest.raises(MeasurementFailed, match="the emulator ended unexpectedly"),
        watch("the emulator", lambda: True),
        Remote(Counter, 0) as counter,
    ):
        counter.call("hang")


def test_the_process_ignores_interrupts() -> None:
    """Ctrl-C reaches all processes of a terminal. Only the measuring one responds to it."""
    with Remote(Counter, 10) as counter:
        process = counter.call("add", 0)[1]
        os.kill(process, signal.SIGINT)
        assert counter.call("add", 1)[0] == 11
    assert signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, [])

"""Objects in processes of their own."""

import os

import pytest

from bench.remote import Remote, RemoteFailed


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

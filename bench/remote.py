"""Runs an object in a process of its own, so that a load generator or a double does not share this process's core."""

import asyncio
import multiprocessing
import signal
import time
import traceback
from collections.abc import Callable
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from types import TracebackType
from typing import Any, Self

from bench.watching import CHECK_SECONDS, MeasurementFailed, check_processes

CALL_SECONDS = 180.0
"""The default time limit of a call: more than any measurement needs."""
_STOP_SECONDS = 5.0


class RemoteFailed(MeasurementFailed):
    """A call had no result: its method raised an exception, its process ended, or its time ran out.

    The message is the last line of the remote traceback, if there is one; a note has all of it.
    """


class Remote:
    """An object that `create()` makes in a new process, on that process's event loop.

    Its methods are coroutine functions whose arguments and results can be pickled. Only one call runs at a time. At
    the end, its method `stop` is called, unless the block ends with an exception: then the process is terminated.
    Ctrl-C reaches only this process, which ends the others.
    """

    def __init__(self, create: Callable[..., Any], *arguments: Any) -> None:
        context = multiprocessing.get_context("spawn")
        self._name = create.__name__
        self._connection, self._theirs = context.Pipe()
        self._process = context.Process(target=_run, args=(self._theirs, create, arguments), daemon=True)

    def __enter__(self) -> Self:
        _start_without_interrupts(self._process)
        self._theirs.close()  # otherwise, the end of the process would not close the pipe
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._connection.close()
        if error is None:
            self._process.join(_STOP_SECONDS)
        if self._process.is_alive():
            self._process.terminate()
            self._process.join()

    def call(self, method: str, *arguments: Any, timeout: float = CALL_SECONDS) -> Any:
        """Calls a method and waits for its result, for `timeout` seconds. Raises `MeasurementFailed`."""
        self.begin(method, *arguments)
        return self.finish(timeout)

    def begin(self, method: str, *arguments: Any) -> None:
        """Starts a call. Its result must be fetched with `finish` before the next call. Raises `RemoteFailed`."""
        try:
            self._connection.send((method, arguments))
        except OSError:
            raise self._ended() from None

    def finish(self, timeout: float = CALL_SECONDS) -> Any:
        """Waits for the result of the call that `begin` started.

        Raises `RemoteFailed`, and `MeasurementFailed` when another process that the measurement depends on ends.
        """
        deadline = time.monotonic() + timeout
        while not self._connection.poll(CHECK_SECONDS):
            check_processes()
            if time.monotonic() > deadline:
                raise RemoteFailed(f"{self._name} has not responded for {timeout:.0f} s")
        try:
            succeeded, result = self._connection.recv()
        except (EOFError, OSError):
            raise self._ended() from None
        if not succeeded:
            check_processes()  # the end of one is the likely cause
            raise _to_failure(result)
        return result

    def _ended(self) -> RemoteFailed:
        self._process.join(_STOP_SECONDS)
        return RemoteFailed(f"the process of {self._name} ended with status {self._process.exitcode}")


def _to_failure(trace: str) -> RemoteFailed:
    failure = RemoteFailed(trace.strip().splitlines()[-1])
    failure.add_note(trace)
    return failure


def _start_without_interrupts(process: BaseProcess) -> None:
    """Starts a process that Ctrl-C does not reach, even while it imports its modules: it inherits the signal mask."""
    resource_tracker.ensure_running()  # its start, otherwise part of the process's, would unblock the signal
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        process.start()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)


def _run(connection: Connection, create: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
    asyncio.run(_serve(connection, create, arguments))


async def _serve(connection: Connection, create: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
    remote = create(*arguments)
    while True:
        try:
            method, call_arguments = await asyncio.to_thread(connection.recv)
        except (EOFError, OSError):
            await remote.stop()
            return
        try:
            answer = (True, await getattr(remote, method)(*call_arguments))
        except Exception:
            answer = (False, traceback.format_exc())
        try:
            connection.send(answer)
        except OSError:  # the other process has ended
            await remote.stop()
            return

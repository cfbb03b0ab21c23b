"""Runs an object in a process of its own, so that a load generator or a double does not share this process's core."""

import asyncio
import multiprocessing
import traceback
from collections.abc import Callable
from multiprocessing.connection import Connection
from types import TracebackType
from typing import Any, Self

_STOP_SECONDS = 5.0


class RemoteFailed(Exception):
    """A method of the remote object raised an exception, whose traceback is the message."""


class Remote:
    """An object that `create()` makes in a new process, on that process's event loop.

    Its methods are coroutine functions whose arguments and results can be pickled. Only one call runs at a time. At
    the end, its method `stop` is called.
    """

    def __init__(self, create: Callable[..., Any], *arguments: Any) -> None:
        context = multiprocessing.get_context("spawn")
        self._connection, theirs = context.Pipe()
        self._process = context.Process(target=_run, args=(theirs, create, arguments), daemon=True)

    def __enter__(self) -> Self:
        self._process.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._connection.close()
        self._process.join(_STOP_SECONDS)
        if self._process.is_alive():
            self._process.terminate()
            self._process.join()

    def call(self, method: str, *arguments: Any) -> Any:
        """Calls a method and waits for its result. Raises `RemoteFailed`."""
        self.begin(method, *arguments)
        return self.finish()

    def begin(self, method: str, *arguments: Any) -> None:
        """Starts a call. Its result must be fetched with `finish` before the next call."""
        self._connection.send((method, arguments))

    def finish(self) -> Any:
        """Waits for the result of the call that `begin` started. Raises `RemoteFailed`."""
        succeeded, result = self._connection.recv()
        if not succeeded:
            raise RemoteFailed(result)
        return result


def _run(connection: Connection, create: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
    asyncio.run(_serve(connection, create, arguments))


async def _serve(connection: Connection, create: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
    remote = create(*arguments)
    while True:
        try:
            method, call_arguments = await asyncio.to_thread(connection.recv)
        except (EOFError, KeyboardInterrupt):
            await remote.stop()
            return
        try:
            answer = (True, await getattr(remote, method)(*call_arguments))
        except Exception:
            answer = (False, traceback.format_exc())
        connection.send(answer)

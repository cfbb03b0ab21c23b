"""The service's side of the fork server: starts its process, requests workers, and is notified when they end."""

import asyncio
import contextlib
import importlib.util
import os
import socket
import sys
from collections.abc import Sequence
from pathlib import Path

from shared.log import get_logger
from shared.sandbox import fork_server
from shared.sandbox.awake_timeout import awake_timeout
from shared.sandbox.fork_server import CONTROL, main
from shared.sandbox.worker import Worker, WorkerFailed

_log = get_logger("sandbox")
_FOLDER = Path(__file__).parent / fork_server.FOLDER
_PASSED_VARIABLES = ("LD_LIBRARY_PATH",)
"""The environment variables that are passed to the fork server. Buildpacks set this one to Python's library folder."""
_RETRY_SECONDS = 0.01
_BOOT_SECONDS = 60.0
"""The maximum time that the fork server takes to start, without the time during which the instance is frozen.

In this time, the component can also be recompiled.
"""


class InterpreterNotBuilt(Exception):
    """The interpreter has not been built. `args[0]` explains what to do."""


class ForkServer:
    """A process that forks workers. It is started on first use, and restarted if it has ended."""

    def __init__(self) -> None:
        self._running: asyncio.Task[_Process] | None = None

    async def fork(self, memory_bytes: int) -> Worker:
        """Forks a worker whose Python may use `memory_bytes`. Raises `InterpreterNotBuilt` and `WorkerFailed`."""
        if self._running is None or (self._running.done() and not _is_up(self._running)):
            self._running = asyncio.create_task(_Process.start())
        return await (await asyncio.shield(self._running)).fork(memory_bytes)

    def kill(self, worker: Worker) -> None:
        """Kills the worker, even in the middle of a run."""
        worker.close()
        if self._running is not None and self._running.done() and _is_up(self._running):
            self._running.result().kill(worker)

    async def end(self) -> None:
        """Ends the process and all of its workers."""
        if self._running is not None:
            with contextlib.suppress(WorkerFailed, InterpreterNotBuilt):
                await (await self._running).end()


def _is_up(running: "asyncio.Task[_Process]") -> bool:
    return not running.cancelled() and running.exception() is None and running.result().is_up


class _Process:
    """A fork server's process. `is_up`: whether it accepts requests."""

    def __init__(self, process: asyncio.subprocess.Process, control: socket.socket) -> None:
        self._process = process
        self._control = control
        self._end_statuses: dict[int, asyncio.Future[int]] = {}
        self._forked = 0
        self._ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._tasks = [asyncio.create_task(self._listen()), asyncio.create_task(self._log())]
        self.is_up = True

    @classmethod
    async def start(cls) -> "_Process":
        """Starts the process and waits until it can fork. Raises `InterpreterNotBuilt` and `WorkerFailed`."""
        if not (_FOLDER / fork_server.COMPONENT).is_file():
            raise InterpreterNotBuilt("The Python that agents run in is not built. Run `make setup`.")
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        try:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, *main.COMMAND, _find_site_packages(), str(_FOLDER), str(theirs.fileno())),
                pass_fds=[theirs.fileno()],
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.DEVNULL,
                stderr=asyncio.subprocess.PIPE,
                env={name: os.environ[name] for name in _PASSED_VARIABLES if name in os.environ},
            )
        except OSError as error:  # its message may contain paths, so it is only logged
            ours.close()
            _log.exception("The fork server could not be started")
            raise WorkerFailed("The process of the fork server could not be started.") from error
        finally:
            theirs.close()
        running = cls(process, ours)
        try:
            async with awake_timeout(_BOOT_SECONDS):
                await running._ready
        except (WorkerFailed, TimeoutError) as error:
            await running.end()
            raise WorkerFailed("The fork server did not start.") from error
        except BaseException:
            await running.end()
            raise
        return running

    async def fork(self, memory_bytes: int) -> Worker:
        """Forks a worker. Waits while the control socket is full. Raises `WorkerFailed`."""
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        self._forked += 1
        number = self._forked
        ended = self._end_statuses[number] = asyncio.get_running_loop().create_future()
        try:
            while not self._request(b"F", number, memory_bytes, [theirs.fileno()]):  # noqa: ASYNC110 - see below
                await asyncio.sleep(_RETRY_SECONDS)  # asyncio cannot wait for room without sending
        except BaseException as error:
            ours.close()
            self._end_statuses.pop(number, None)
            if isinstance(error, OSError):
                raise WorkerFailed("The fork server has ended.") from error
            raise
        finally:
            theirs.close()
        return Worker(number, ended, ours)

    def kill(self, worker: Worker) -> None:
        """Kills the worker.

        Even if the request is lost, the worker ends, as its socket is closed and its CPU time is limited.
        """
        if worker.alive:
            with contextlib.suppress(OSError):
                self._request(b"K", worker.number)

    def _request(self, kind: bytes, number: int, memory_bytes: int = 0, descriptors: Sequence[int] = ()) -> bool:
        """Sends a request. Returns False if the socket has no room for it. Raises `OSError`."""
        message = CONTROL.pack(kind, number, memory_bytes)
        try:
            if descriptors:
                sent = socket.send_fds(self._control, [message], descriptors)
            else:
                sent = self._control.send(message)
        except BlockingIOError:
            return False
        if sent < len(message):  # possible on some systems; the next request would be read as the rest of this one
            self.is_up = False
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()
            raise BrokenPipeError
        return True

    async def end(self) -> None:
        """Ends the process and all of its workers."""
        self.is_up = False
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()
        await self._process.wait()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _listen(self) -> None:
        received = b""
        try:
            while data := await asyncio.get_running_loop().sock_recv(self._control, 4096):
                received += data
                while len(received) >= CONTROL.size:
                    kind, number, status = CONTROL.unpack(received[: CONTROL.size])
                    received = received[CONTROL.size :]
                    if kind == b"R":
                        self._ready.set_result(None)
                    elif ended := self._end_statuses.pop(number, None):
                        ended.set_result(status)
        except OSError:
            pass
        finally:
            self.is_up = False
            self._control.close()
            for ended in self._end_statuses.values():
                ended.set_result(-1)
            if not self._ready.done():
                self._ready.set_exception(WorkerFailed("The fork server has ended."))

    async def _log(self) -> None:
        assert self._process.stderr is not None  # noqa: S101 - it was started with a pipe
        while line := await self._process.stderr.read(4096):
            _log.warning("Fork server: %s", line.decode("utf-8", "replace").strip())


def _find_site_packages() -> str:
    """Returns the folder that contains wasmtime, which this process itself never imports."""
    spec = importlib.util.find_spec("wasmtime")
    if spec is None or spec.origin is None:
        raise InterpreterNotBuilt("The package wasmtime is not installed. Run `make setup`.")
    return str(Path(spec.origin).parents[1])

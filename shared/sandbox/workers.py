"""Worker processes, as the service sees them: taken for a run, and kept for the next one of the same tenant.

A fork server (`shared.sandbox.fork_server`), started at first use, forks them; one stands ready that has read no code
yet. A worker gives each run an instance of its own. Only runs of one tenant ever meet in a worker, one after the other;
it is ended after `_MOST_RUNS` of them, after any that does not end well, and when others need its place.
"""

import asyncio
import contextlib
import importlib.util
import json
import os
import signal
import socket
import sys
from collections import OrderedDict, deque
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from shared.log import get_logger
from shared.per_loop import per_loop
from shared.sandbox import fork_server
from shared.sandbox.awake import awake_timeout
from shared.sandbox.fork_server import CONTROL
from shared.sandbox.messages import MAX_BYTES

_log = get_logger("sandbox")
_FOLDER = Path(fork_server.__file__).parent / fork_server.FOLDER
_READY = 1
_MOST_IDLE = 16
"""Workers that wait for another run of their tenant."""
_MOST_RUNS = 200
_PYTHON_BYTES = 64 * 2**20
"""What CPython and the modules it has loaded have taken before any code is read."""
_BOOT_SECONDS = 60.0
"""For which this process ran: the instance may be frozen in the middle. A component that fits no more is compiled."""
_LEAVING_SECONDS = 0.5
"""For which a run that has told its end may go on."""
_GUEST, _WORKER = b"GW"


class Gone(Exception):
    """The worker has ended, or says what it cannot say."""


class Refused(Gone):
    """It says what it cannot say, and may live."""


class NotBuilt(Exception):
    """The interpreter is not there. `args[0]` says what to do."""


@dataclass(frozen=True)
class Start:
    """What a worker needs to know of a run. See `fork_server.Surroundings` for `seed` and `clock`."""

    cpu_seconds: float
    seed: bytes
    clock: int | None = None

    def frame(self) -> bytes:
        return json.dumps({"cpu_seconds": self.cpu_seconds, "seed": self.seed.hex(), "clock": self.clock}).encode()


class Worker:
    """A process that waits for a program. `over`: how its run ended, where that was not well."""

    def __init__(
        self,
        number: int,
        ended: "asyncio.Future[int]",
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        self.number = number
        self.ended = ended
        self.over: str | None = None
        self.runs = 0
        self._reader = reader
        self._writer = writer

    @property
    def alive(self) -> bool:
        return not self.ended.done()

    async def receive(self) -> bytes:
        """The guest's next message. Raises `Gone`."""
        who, data = await self._frame()
        if who == _GUEST:
            return data
        self.over = data.decode()
        raise Gone("Its run has ended.")

    async def _frame(self) -> tuple[int, bytes]:
        try:
            length = int.from_bytes(await self._reader.readexactly(4), "big")
            if not 0 < length <= MAX_BYTES + 1:
                raise Refused("It said more than it may.")
            data = await self._reader.readexactly(length)
        except (asyncio.IncompleteReadError, OSError) as error:
            raise Gone("It has ended.") from error
        return data[0], data[1:]

    async def begin(self, start: Start) -> None:
        """Raises `Gone`."""
        self.runs += 1
        await self._write(start.frame())

    async def send(self, data: bytes, waited: float = 0) -> None:
        """A message for the guest, after so many seconds. Raises `Gone`."""
        await self._write(int(waited * 1e9).to_bytes(8, "big") + data)

    async def _write(self, data: bytes) -> None:
        try:
            self._writer.write(len(data).to_bytes(4, "big") + data)
            await self._writer.drain()
        except OSError as error:
            raise Gone("It has ended.") from error

    async def ending(self, gone: Gone) -> str:
        """How its run ended, by what it said or its exit code; empty where neither tells. It takes no other run."""
        if self.over is None:
            self.over = "" if isinstance(gone, Refused) else await self._by_exit()
        return self.over

    async def _by_exit(self) -> str:
        try:
            async with asyncio.timeout(_LEAVING_SECONDS):
                status = await asyncio.shield(self.ended)
        except TimeoutError:
            return ""
        if os.WIFSIGNALED(status):
            return "seconds" if os.WTERMSIG(status) == signal.SIGXCPU else ""
        code = os.WEXITSTATUS(status) if os.WIFEXITED(status) else None
        return next((how.decode() for how, number in fork_server.EXITS.items() if number == code), "")

    async def leave(self) -> bool:
        """Waits for the end of a run that has said how it ends; whether the worker can take another one.

        It cannot if the guest says anything more.
        """
        if self.over is not None or not self.alive:
            return False
        try:
            async with asyncio.timeout(_LEAVING_SECONDS):
                who, data = await self._frame()
                return who == _WORKER and data == b"well"
        except (Gone, TimeoutError):
            return False

    def close(self) -> None:
        self._writer.close()


@asynccontextmanager
async def worker_for(tenant: str | None, memory_bytes: int) -> AsyncGenerator[Worker]:
    """A worker for one run, which may have run others of the same tenant; of nobody's, if there is none.

    Raises `NotBuilt`, and `Gone` if it cannot be started.
    """
    workers = _workers(memory_bytes)
    worker = await workers.take(tenant)
    again = False
    try:
        yield worker
        again = await worker.leave()
    finally:
        workers.give_back(worker, tenant if again else None)


async def end_all() -> None:
    """Ends those that wait, and the fork server: for whoever ends the event loop before the process."""
    for workers in _kinds():
        workers.end()
    await _fork_server().end()


@per_loop
def _kinds() -> "list[_Workers]":
    return []


@per_loop
def _workers(memory_bytes: int) -> "_Workers":
    _kinds().append(made := _Workers(memory_bytes))
    return made


@per_loop
def _fork_server() -> "_ForkServer":
    return _ForkServer()


class _Workers:
    """Those that wait: one that is new, and those of tenants, the longest unused first."""

    def __init__(self, memory_bytes: int) -> None:
        self._memory_bytes = memory_bytes + _PYTHON_BYTES
        self._new: deque[asyncio.Task[Worker]] = deque()
        self._idle: OrderedDict[int, tuple[str, Worker]] = OrderedDict()

    async def take(self, tenant: str | None) -> Worker:
        for number, (owner, worker) in self._idle.items():
            if owner == tenant:
                del self._idle[number]
                if worker.alive:
                    return worker
                worker.close()
                break
        task = self._new.popleft() if self._new else asyncio.create_task(self._started())
        try:
            worker = await asyncio.shield(task)
        except asyncio.CancelledError:
            task.add_done_callback(_end_unused)
            raise
        except Gone:  # perhaps long ago
            return await self._started()
        if worker.alive:
            return worker
        worker.close()
        return await self._started()

    def give_back(self, worker: Worker, tenant: str | None) -> None:
        """Keeps it for the next run of `tenant`; ends it where there is none."""
        self._fill()
        if tenant is None or worker.runs >= _MOST_RUNS:
            _fork_server().kill(worker)
            return
        self._idle[worker.number] = (tenant, worker)
        while len(self._idle) > _MOST_IDLE:
            _, (_, oldest) = self._idle.popitem(last=False)
            _fork_server().kill(oldest)

    def end(self) -> None:
        """Ends those that wait."""
        while self._new:
            self._new.popleft().add_done_callback(_end_unused)
        while self._idle:
            _fork_server().kill(self._idle.popitem()[1][1])

    def _fill(self) -> None:
        while len(self._new) < _READY:
            self._new.append(asyncio.create_task(self._started()))

    async def _started(self) -> Worker:
        return await _fork_server().fork(self._memory_bytes)


class _ForkServer:
    """Started at first use, and again when it has ended."""

    def __init__(self) -> None:
        self._running: asyncio.Task[_Running] | None = None

    async def fork(self, memory_bytes: int) -> Worker:
        """Raises `NotBuilt`, and `Gone`."""
        if self._running is None or (self._running.done() and not _is_up(self._running)):
            self._running = asyncio.create_task(_Running.started())
        return await (await asyncio.shield(self._running)).fork(memory_bytes)

    def kill(self, worker: Worker) -> None:
        worker.close()
        if self._running is not None and self._running.done() and _is_up(self._running):
            self._running.result().kill(worker)

    async def end(self) -> None:
        if self._running is not None:
            with contextlib.suppress(Gone, NotBuilt):
                await (await self._running).end()


def _is_up(running: "asyncio.Task[_Running]") -> bool:
    return not running.cancelled() and running.exception() is None and running.result().up


class _Running:
    """A fork server's process. `up`: whether it takes requests."""

    def __init__(self, process: asyncio.subprocess.Process, control: socket.socket) -> None:
        self._process = process
        self._control = control
        self._endings: dict[int, asyncio.Future[int]] = {}
        self._forked = 0
        self._ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._tasks = [asyncio.create_task(self._listen()), asyncio.create_task(self._log())]
        self.up = True

    @classmethod
    async def started(cls) -> "_Running":
        """Raises `NotBuilt`, and `Gone`."""
        if not (_FOLDER / fork_server.COMPONENT).is_file():
            raise NotBuilt("The Python that agents run in is not built. Run `make setup`.")
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        try:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-I", fork_server.__file__, _site_packages(), str(_FOLDER), str(theirs.fileno())),
                pass_fds=[theirs.fileno()],
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.DEVNULL,
                stderr=asyncio.subprocess.PIPE,
                env={},
            )
        except OSError as error:  # its words may name paths
            ours.close()
            _log.exception("The fork server could not be started")
            raise Gone("There is no room for its process.") from error
        finally:
            theirs.close()
        running = cls(process, ours)
        try:
            async with awake_timeout(_BOOT_SECONDS):
                await running._ready
        except (Gone, TimeoutError) as error:
            await running.end()
            raise Gone("It did not start.") from error
        except BaseException:
            await running.end()
            raise
        return running

    async def fork(self, memory_bytes: int) -> Worker:
        """Raises `Gone`."""
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        self._forked += 1
        number = self._forked
        ended = self._endings[number] = asyncio.get_running_loop().create_future()
        try:
            socket.send_fds(self._control, [CONTROL.pack(b"F", number, memory_bytes)], [theirs.fileno()])
        except OSError as error:
            ours.close()
            del self._endings[number]
            raise Gone("The fork server has ended, or has too much to do.") from error
        finally:
            theirs.close()
        reader, writer = await asyncio.open_connection(sock=ours, limit=2**20)
        return Worker(number, ended, reader, writer)

    def kill(self, worker: Worker) -> None:
        """One that is not reached ends by itself: it notices that nobody listens, or has computed long enough."""
        if worker.alive:
            with contextlib.suppress(OSError):
                self._control.send(CONTROL.pack(b"K", worker.number, 0))

    async def end(self) -> None:
        """And all workers with it."""
        self.up = False
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()
        await self._process.wait()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _listen(self) -> None:
        heard = b""
        try:
            while data := await asyncio.get_running_loop().sock_recv(self._control, 4096):
                heard += data
                while len(heard) >= CONTROL.size:
                    what, number, status = CONTROL.unpack(heard[: CONTROL.size])
                    heard = heard[CONTROL.size :]
                    if what == b"R":
                        self._ready.set_result(None)
                    elif ended := self._endings.pop(number, None):
                        ended.set_result(status)
        except OSError:
            pass
        finally:
            self.up = False
            self._control.close()
            for ended in self._endings.values():
                ended.set_result(-1)
            if not self._ready.done():
                self._ready.set_exception(Gone("It has ended."))

    async def _log(self) -> None:
        assert self._process.stderr is not None  # noqa: S101 - it was started so
        while line := await self._process.stderr.read(4096):
            _log.warning("The fork server: %s", line.decode("utf-8", "replace").strip())


def _site_packages() -> str:
    """Where wasmtime is, which this process itself never imports."""
    found = importlib.util.find_spec("wasmtime")
    if found is None or found.origin is None:
        raise NotBuilt("The package wasmtime is not installed. Run `make setup`.")
    return str(Path(found.origin).parents[1])


def _end_unused(task: "asyncio.Task[Worker]") -> None:
    if not task.cancelled() and task.exception() is None:
        _fork_server().kill(task.result())

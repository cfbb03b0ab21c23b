"""Interpreters: a process for each run, one of them ready before it is needed.

One that waits has run nothing but our own code, and none is used twice.
"""

import asyncio
import contextlib
import math
import os
import resource
import signal
import sys
from collections import deque
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import psutil

from shared.log import get_logger
from shared.per_loop import per_loop
from shared.sandbox.awake import awake_timeout
from shared.sandbox.full.installation import NotInstalled, installation
from shared.sandbox.full.messages import MAX_BYTES

_log = get_logger("sandbox")
_READY = 1
_REFILL_SECONDS = 0.25
"""A run that is short does not share the processor with the start of the next interpreter, which begins at its end:
while the request is still active, as afterwards an instance has no processor."""
_BASE_PAGES = 512
"""Of 64 KiB: what CPython has used when it is ready."""
_PAGE = 64 * 1024
_BESIDE = 96 * 2**20
"""Bytes that the process may take beside Python's memory: JavaScript's, and compiled code."""
_NICE = 10
_MOST_FILES = 64
_LOOK_SECONDS = 0.05
_BOOT_SECONDS = 30.0
"""For which this process ran: the instance may be frozen in the middle."""
_LAST_WORDS = 2000


class Gone(Exception):
    """The interpreter has ended, or says what it cannot say."""


class Interpreter:
    """A process that has booted and read no code yet. `over`: the limit that it was ended for."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._seen = psutil.Process(process.pid)
        self._ended = asyncio.ensure_future(process.wait())
        self._last_words = bytearray()
        self._listening = asyncio.create_task(self._listen())
        self._began_seconds = 0.0
        self._began_bytes = 0
        self._ending = False
        self.over: str | None = None

    @property
    def alive(self) -> bool:
        return self._process.returncode is None

    @property
    def ended(self) -> "asyncio.Future[int]":
        """Done when the process has ended."""
        return self._ended

    async def receive(self) -> bytes:
        """The next message. Raises `Gone`."""
        assert self._process.stdout is not None  # noqa: S101 - it was started so
        try:
            length = int.from_bytes(await self._process.stdout.readexactly(4), "big")
            if length > MAX_BYTES:
                raise Gone("It said more than it may.")
            return await self._process.stdout.readexactly(length)
        except (asyncio.IncompleteReadError, OSError) as error:
            raise Gone("It has ended.") from error

    async def send(self, data: bytes) -> None:
        """Raises `Gone`."""
        assert self._process.stdin is not None  # noqa: S101 - it was started so
        try:
            self._process.stdin.write(len(data).to_bytes(4, "big") + data)
            await self._process.stdin.drain()
        except OSError as error:
            raise Gone("It has ended.") from error

    @asynccontextmanager
    async def limited(self, cpu_seconds: float, memory_bytes: int) -> AsyncGenerator[None]:
        """Ends it when it has computed for so long, or taken more than so much; then `over` says which."""
        try:
            self._began_seconds = self._computed()
            self._began_bytes = self._seen.memory_info().rss
            self._limit_by_system(cpu_seconds, memory_bytes)
        except (psutil.Error, OSError) as error:
            raise Gone("It has ended.") from error
        watching = asyncio.create_task(self._watch(cpu_seconds, memory_bytes))
        try:
            yield
        finally:
            watching.cancel()

    def end(self) -> None:
        """Kills it, whatever it does. Nobody may be listening to it any more."""
        self._kill()
        if not self._ending:
            self._ending = True
            _endings().add(ending := asyncio.create_task(self._bury()))
            ending.add_done_callback(_endings().discard)

    def _kill(self) -> None:
        """By the system, not by `Process.kill`, which takes its end from the event loop."""
        if self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._process.pid, signal.SIGKILL)

    async def _bury(self) -> None:
        """Reads what it left in its pipes, so that they are closed."""
        assert self._process.stdin is not None  # noqa: S101 - it was started so
        assert self._process.stdout is not None  # noqa: S101 - likewise
        self._process.stdin.close()
        with contextlib.suppress(OSError):
            while await self._process.stdout.read(65_536):
                pass
        await self._listening
        await self._ended

    def last_words(self) -> str:
        """The end of what it wrote on standard error."""
        return self._last_words.decode("utf-8", "replace")

    def _computed(self) -> float:
        times = self._seen.cpu_times()
        return times.user + times.system

    def _limit_by_system(self, cpu_seconds: float, memory_bytes: int) -> None:
        """For a process that this one does not outlive. Beyond what the watch allows."""
        os.setpriority(os.PRIO_PROCESS, self._process.pid, _NICE)
        if sys.platform == "linux":
            seconds = math.ceil(self._began_seconds + cpu_seconds) + 5
            resource.prlimit(self._process.pid, resource.RLIMIT_CPU, (seconds, seconds))
            data = self._seen.memory_info().data + memory_bytes + 2 * _BESIDE
            resource.prlimit(self._process.pid, resource.RLIMIT_DATA, (data, data))
            for nothing in (resource.RLIMIT_FSIZE, resource.RLIMIT_CORE):  # it has no file to write
                resource.prlimit(self._process.pid, nothing, (0, 0))
            resource.prlimit(self._process.pid, resource.RLIMIT_NOFILE, (_MOST_FILES, _MOST_FILES))

    async def _watch(self, cpu_seconds: float, memory_bytes: int) -> None:
        with contextlib.suppress(psutil.Error):
            while self.alive:
                if self._computed() - self._began_seconds > cpu_seconds:
                    self.over = "seconds"
                elif self._seen.memory_info().rss - self._began_bytes > memory_bytes + _BESIDE:
                    self.over = "memory"
                if self.over:
                    self._kill()  # whoever listens to it buries it
                    return
                await asyncio.sleep(_LOOK_SECONDS)

    async def _listen(self) -> None:
        assert self._process.stderr is not None  # noqa: S101 - it was started so
        while data := await self._process.stderr.read(4096):
            self._last_words = (self._last_words + data)[-_LAST_WORDS:]


@asynccontextmanager
async def fresh_interpreter(memory_bytes: int) -> AsyncGenerator[Interpreter]:
    """One for one run, which ends with it. Raises `NotInstalled`, and `Gone` if it does not start."""
    interpreters = _interpreters(memory_bytes)
    interpreter = await interpreters.take()
    try:
        yield interpreter
    finally:
        interpreter.end()
        interpreters.fill()


async def end_ready() -> None:
    """Ends those that wait: for whoever ends the event loop before the process."""
    for interpreters in _kinds():
        await interpreters.end()
    await asyncio.gather(*_endings(), return_exceptions=True)


@per_loop
def _endings() -> set[asyncio.Task[None]]:
    return set()


@per_loop
def _kinds() -> "list[_Interpreters]":
    return []


@per_loop
def _interpreters(memory_bytes: int) -> "_Interpreters":
    _kinds().append(made := _Interpreters(memory_bytes))
    return made


class _Interpreters:
    """Keeps one ready."""

    def __init__(self, memory_bytes: int) -> None:
        self._pages = _BASE_PAGES + math.ceil(memory_bytes / _PAGE)
        self._ready: deque[asyncio.Task[Interpreter]] = deque()
        self._filling: asyncio.TimerHandle | None = None

    async def take(self) -> Interpreter:
        task = self._ready.popleft() if self._ready else asyncio.create_task(self._started())
        if self._filling is None:
            self._filling = asyncio.get_running_loop().call_later(_REFILL_SECONDS, self.fill)
        try:
            interpreter = await asyncio.shield(task)
        except asyncio.CancelledError:
            task.add_done_callback(_end_unused)
            raise
        except Gone:  # perhaps long ago
            return await self._started()
        if interpreter.alive:
            return interpreter
        return await self._started()

    async def end(self) -> None:
        """Ends those that wait, and those that are just starting."""
        if self._filling:
            self._filling.cancel()
            self._filling = None
        while self._ready:
            with contextlib.suppress(Gone, NotInstalled):
                interpreter = await self._ready.popleft()
                interpreter.end()

    def fill(self) -> None:
        """Starts what is missing, now."""
        if self._filling is not None:
            self._filling.cancel()
            self._filling = None
        while len(self._ready) < _READY:
            self._ready.append(asyncio.create_task(self._started()))

    async def _started(self) -> Interpreter:
        try:
            installed = await installation()
            process = await asyncio.create_subprocess_exec(
                *installed.command(self._pages),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                env=installed.environment,
                cwd=installed.folder,
                limit=2**20,
            )
        except OSError as error:  # its words may tell paths
            _log.exception("An interpreter could not be started")
            raise Gone("There is no room for its files or its process.") from error
        try:
            interpreter = Interpreter(process)
        except psutil.Error as error:
            await process.communicate()
            raise Gone("It did not start.") from error
        try:
            async with awake_timeout(_BOOT_SECONDS):
                await interpreter.receive()
        except (Gone, TimeoutError) as error:
            interpreter.end()
            _log.error("An interpreter did not start", extra={"fields": {"said": interpreter.last_words()}})
            raise Gone("It did not start.") from error
        except BaseException:
            interpreter.end()
            raise
        return interpreter


def _end_unused(task: asyncio.Task[Interpreter]) -> None:
    if not task.cancelled() and task.exception() is None:
        task.result().end()

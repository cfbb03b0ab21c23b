"""The processes that agent code runs in: CPython in WebAssembly, a fresh instance of it for every run.

Run as a program of its own, with next to no environment: `fork_server.py SITE_PACKAGES FOLDER CONTROL_FD`. It imports
wasmtime and maps the compiled component once; then each request on the control socket forks a worker, which shares all
of that, and takes 5 MB of its own for a live run. What the service and these processes say to each other:

- control, from the service: 17 bytes, `F` (fork; the worker's end of a socket comes along) or `K` (kill), the worker's
  number, and for `F` the most bytes of memory that Python may have.
- control, to the service: 17 bytes, `R` once when workers can be forked, and `E` when a worker has ended: its number,
  and the status that the system gives.
- a worker's socket: frames of four bytes of length and a payload. To the service each payload begins with a byte that
  says who speaks: `G` for the guest, whose words may be anything, and `W` for the worker itself, whose word is
  how the run ended: `well`, `grown` (well, but the worker takes no other run), `seconds`, `stack`, `memory` or `trap`.
  From the service: first a frame for the worker, JSON with `cpu_seconds`, `seed` and `clock` (see `Surroundings`), then
  frames for the guest as it asks for them, each after eight bytes that say how many nanoseconds were waited.

A guest reaches nothing but the functions below: its two for messages, the clock, and random bytes. All else that its
Python would ask of a system is a trap, which ends the process.
"""

import contextlib
import ctypes
import hashlib
import json
import math
import os
import re
import resource
import select
import signal
import socket
import struct
import sys
import threading
import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, NoReturn

CONTROL = struct.Struct("!cQQ")
EXITS = {b"seconds": 3, b"stack": 4, b"trap": 5, b"memory": 6}
"""How a run ended, as the exit code of its worker: its last word is lost where it had left answers unread."""
FOLDER = "built"
"""Beside this file: what `tools/build_engine.py` makes."""
COMPILED = "python.cwasm"
COMPONENT = "python.wasm.gz"
_WASI = "0.2.9"
FEATURES = {"x86_64": ("has_sse3", "has_ssse3", "has_sse41", "has_sse42", "has_popcnt")}
"""By machine, what its oldest processors have: those of x86-64-v2 are from 2009."""
_ENDS = ('{"kind": "done"', '{"kind": "failed"')
"""How the guest's last message begins, after which its run ends."""
_STACK_BYTES = 64 * 2**20
"""Of the machine's stack. Python checks its depth by the stack in its memory: this one should not end before that."""
_STACK_BESIDE = 2 * 2**20
_STACK_KEPT = 8 * 2**20
"""Bytes of it that a worker may have taken and still wait for another run."""
_BESIDE = 96 * 2**20
"""Bytes that a worker may take beside Python's memory: for messages on their way."""
_MOST_FILES = 16
_NICE = 10
_GRACE_SECONDS = 5
_AGAIN_SECONDS = 0.05
_DIE_WITH_PARENT = 1
_NO_NEW_PRIVILEGES = 38


class Surroundings:
    """Clock and random bytes of a run: the one door through which anything comes that is not computed.

    `seed` decides all random bytes. `clock`: nanoseconds since 1970 at which a clock begins that moves by a microsecond
    with each look and by what is waited; without it, the clock is the system's. So a run that is given the same, and
    gets the same answers, is the same run.
    """

    def __init__(self, seed: bytes = b"", clock: int | None = None) -> None:
        self._seed = seed
        self._drawn = 0
        self._still = clock
        self._began = time.monotonic_ns()
        self._first = clock

    def random(self, length: int) -> bytes:
        self._drawn += 1
        return hashlib.shake_256(self._seed + self._drawn.to_bytes(8, "big")).digest(length)

    def wait(self, nanoseconds: int) -> None:
        """So long was waited, by what the service says."""
        if self._still is not None:
            self._still += nanoseconds

    def now(self) -> int:
        if self._still is None:
            return time.time_ns()
        self._still += 1000
        return self._still

    def elapsed(self) -> int:
        """Since the run began: how long the machine is up is nobody's business."""
        if self._still is None or self._first is None:
            return time.monotonic_ns() - self._began
        return self.now() - self._first


def _stack_bytes() -> int:
    """As much as there may be. The system lets the first stack grow up to the limit that holds when it does."""
    _, most = resource.getrlimit(resource.RLIMIT_STACK)
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_STACK, (_STACK_BYTES + _STACK_BESIDE, most))
    now, _ = resource.getrlimit(resource.RLIMIT_STACK)
    return _STACK_BYTES if now == resource.RLIM_INFINITY else min(_STACK_BYTES, now - _STACK_BESIDE)


def configured(wasmtime: Any) -> Any:
    """What the component is compiled for, and is loaded with: the processors that `FEATURES` says, and newer ones.

    Nothing in it counts what it computes: the checks at each turn of a loop would cost Python a fifth of its speed.
    """
    from wasmtime import _bindings as also  # pyright: ignore[reportMissingImports] - what has no setter

    config = wasmtime.Config()
    stack_bytes = _stack_bytes()
    also.wasmtime_config_async_stack_size_set(config.ptr(), stack_bytes)  # the most that the other can be
    config.max_wasm_stack = stack_bytes
    if (machine := os.uname().machine) and sys.platform == "linux":
        config.target = f"{machine}-unknown-linux-gnu"
        for feature in FEATURES.get(machine, ()):
            also.wasmtime_config_cranelift_flag_enable(config.ptr(), feature.encode())
    return config


class Worker:
    """A forked process: runs programs one after the other, each in an instance of its own."""

    def __init__(self, wasmtime: Any, engine: Any, component: Any) -> None:
        self._wasmtime = wasmtime
        self._engine = engine
        self._component = component
        self._linker = self._linked()
        self._socket = -1
        self._given = False
        self._unsent = b""
        self._end_at = 0.0
        self._ending = threading.Lock()
        self._peak = 0
        self._surroundings = Surroundings()

    def _linked(self) -> Any:
        from wasmtime.component import Linker  # pyright: ignore[reportMissingImports]

        linker: Any = Linker(self._engine)
        linker.allow_shadowing = True
        linker.define_unknown_imports_as_traps(self._component)
        functions: dict[str, dict[str, Callable[..., Any]]] = {
            "wasi:cli/environment": {
                "get-environment": _always([]),
                "get-arguments": _always([]),
                "initial-cwd": _always(None),
            },
            "wasi:clocks/wall-clock": {"now": self._now, "resolution": _always(_moment(1))},
            "wasi:clocks/monotonic-clock": {"now": self._elapsed, "resolution": _always(1)},
            "wasi:random/random": {"get-random-bytes": self._random, "get-random-u64": self._random_number},
            "wasi:filesystem/preopens": {"get-directories": _always([])},
        }
        with linker.root() as root:
            root.add_func("receive", self._receive)
            root.add_func("send", self._send)
            for name, members in functions.items():
                with root.add_instance(f"{name}@{_WASI}") as instance:
                    for member, function in members.items():
                        instance.add_func(member, function)
        return linker

    def warm_up(self) -> None:
        """Makes an instance that runs nothing: from the first on, all share the image of their memory."""
        store, _ = self._instance(None)
        store.close()

    def _instance(self, memory_bytes: int | None) -> tuple[Any, Any]:
        """A store, and what runs the instance in it."""
        store = self._wasmtime.Store(self._engine)
        if memory_bytes is not None:
            store.set_limits(memory_size=memory_bytes)
        return store, self._linker.instantiate(store, self._component).get_func(store, "run")

    def serve(self, socket_fd: int, memory_bytes: int, parent: int) -> NoReturn:
        """Until the socket is closed, a run does not end well, or the process `parent` ends."""
        self._socket = socket_fd
        _lock_in(memory_bytes, parent)
        self._watch()
        while True:
            self._given = False
            store, run = self._instance(memory_bytes)
            how = self._run(run, store)
            signal.setitimer(signal.ITIMER_PROF, 0)
            with self._ending:
                self._end_at = math.inf  # a signal that is still on its way is none of the next run's
            if how == b"well" and self._has_grown():
                how = b"grown"
            self._say(b"W", how)
            if how != b"well":
                os._exit(EXITS.get(how, 0))
            store.close()

    def _has_grown(self) -> bool:
        """Whether its stack is larger than an idle worker may keep; checked only where its peak of memory has grown."""
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        if peak < self._peak + _STACK_KEPT:
            return False
        self._peak = peak
        return _taken("VmStk") > _STACK_KEPT

    def _run(self, run: Any, store: Any) -> bytes:
        try:
            run(store)
        except MemoryError:
            return b"memory"
        except (self._wasmtime.Trap, self._wasmtime.WasmtimeError) as error:
            return _cause_of(str(error))
        return b"well"

    def _watch(self) -> None:
        """Ends a run that has computed for as long as it may, and the process with it.

        The system counts, and wakes a thread when it is over: WebAssembly runs without Python's lock.
        """
        reader, writer = os.pipe()
        os.set_blocking(writer, False)
        signal.signal(signal.SIGPROF, _nothing)
        signal.set_wakeup_fd(writer, warn_on_full_buffer=False)

        def interrupt() -> None:
            while True:
                os.read(reader, 1)
                with self._ending:
                    if time.process_time() >= self._end_at:
                        os._exit(EXITS[b"seconds"])

        threading.Thread(target=interrupt, daemon=True).start()

    # What the guest may call.

    def _receive(self, _store: Any) -> str:
        self._flush()
        if not self._given:
            self._given = True
            while not (frame := self._frame()).startswith(b"{"):
                pass  # what the run before was answered, and did not read
            self._begin(json.loads(frame))
        frame = self._frame()
        self._surroundings.wait(int.from_bytes(frame[:8], "big"))
        text = str(memoryview(frame)[8:], "utf-8")
        del frame
        text.encode()  # fails here where memory is short: wasmtime, which does the same, would free what it has not
        return text

    def _send(self, _store: Any, message: str) -> None:
        self._say(b"G", message.encode(), last=message.startswith(_ENDS))

    def _now(self, _store: Any) -> Any:
        return _moment(self._surroundings.now())

    def _elapsed(self, _store: Any) -> int:
        return self._surroundings.elapsed()

    def _random(self, _store: Any, length: int) -> bytes:
        return self._surroundings.random(length)

    def _random_number(self, _store: Any) -> int:
        return int.from_bytes(self._surroundings.random(8), "big")

    def _begin(self, given: Any) -> None:
        computed = time.process_time()
        self._end_at = computed + given["cpu_seconds"]
        signal.setitimer(signal.ITIMER_PROF, given["cpu_seconds"], _AGAIN_SECONDS)
        most = int(self._end_at) + _GRACE_SECONDS
        resource.setrlimit(resource.RLIMIT_CPU, (most, resource.RLIM_INFINITY))
        self._surroundings = Surroundings(bytes.fromhex(given["seed"]), given["clock"])

    def _frame(self) -> bytearray:
        return self._read(int.from_bytes(self._read(4), "big"))

    def _read(self, length: int) -> bytearray:
        data = bytearray(length)
        rest = memoryview(data)
        while rest:
            try:
                read = os.readv(self._socket, [rest])
            except OSError:
                read = 0
            if not read:
                os._exit(0)  # nobody is interested any more
            rest = rest[read:]
        return data

    def _say(self, who: bytes, data: bytes, last: bool = False) -> None:
        """`last`: it is sent with what is said next, which wakes the service once instead of twice."""
        if self._unsent:
            last = False  # it was not
        self._unsent += (len(data) + 1).to_bytes(4, "big") + who + data
        if not last:
            self._flush()

    def _flush(self) -> None:
        rest, self._unsent = memoryview(self._unsent), b""
        try:
            while rest:
                rest = rest[os.write(self._socket, rest) :]
        except OSError:
            os._exit(0)  # likewise


def _cause_of(trap: str) -> bytes:
    """Why it ended, by the trap's message and the functions that it lists.

    `stack`: of the machine, or the one that C code has in its memory, which begins at 0 and grows downwards. `memory`:
    the part in Rust, which handles messages, aborts where it gets none.
    """
    address = re.search(r"memory fault at wasm address 0x([0-9a-f]+)", trap)
    if "stack exhausted" in trap or (address is not None and int(address[1], 16) >= 2**32 - _STACK_BYTES):
        return b"stack"
    return b"memory" if "handle_alloc_error" in trap else b"trap"


def _always(value: Any) -> Callable[[Any], Any]:
    def answer(_store: Any) -> Any:
        return value

    return answer


def _moment(nanoseconds: int) -> Any:
    """As WASI has it."""
    return SimpleNamespace(seconds=nanoseconds // 10**9, nanoseconds=nanoseconds % 10**9)


def _nothing(_signal: int, _frame: Any) -> None:
    """A signal that only wakes."""


def _lock_in(memory_bytes: int, parent: int) -> None:
    """What the system can still take from a process that has all that it needs."""
    os.chdir("/")
    os.setpriority(os.PRIO_PROCESS, 0, _NICE)
    if sys.platform == "linux":
        libc = ctypes.CDLL(None)
        libc.prctl(_DIE_WITH_PARENT, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(0)  # it ended before this process asked to end with it
        libc.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0)
        most = _taken("VmData") + memory_bytes + 2 * _BESIDE
        resource.setrlimit(resource.RLIMIT_DATA, (most, most))
    for nothing in (resource.RLIMIT_FSIZE, resource.RLIMIT_CORE):
        resource.setrlimit(nothing, (0, 0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (_MOST_FILES, _MOST_FILES))


def _taken(what: str) -> int:
    """Bytes of this process, by what Linux calls them; 0 where nobody says."""
    with contextlib.suppress(OSError), open("/proc/self/status") as status:
        return next((int(line.split()[1]) * 1024 for line in status if line.startswith(what)), 0)
    return 0


class ForkServer:
    """Forks workers and says when they have ended."""

    def __init__(self, control: socket.socket, worker: Worker) -> None:
        self._control = control
        self._worker = worker
        self._wakes = (-1, -1)
        self._numbers: dict[int, int] = {}
        """By process id: those that have not ended."""

    def serve(self) -> None:
        """Until the service closes the control socket; workers end with it."""
        reader, writer = self._wakes = os.pipe()
        os.set_blocking(writer, False)
        os.set_blocking(reader, False)
        signal.signal(signal.SIGCHLD, _nothing)
        signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
        self._say(b"R", 0, 0)
        while True:
            ready, _, _ = select.select([self._control, reader], [], [])
            if reader in ready:
                os.read(reader, 4096)
                self._bury()
            if self._control in ready:
                data, descriptors, _, _ = socket.recv_fds(self._control, CONTROL.size, 1, socket.MSG_WAITALL)
                if len(data) < CONTROL.size:
                    break
                what, number, memory_bytes = CONTROL.unpack(data)
                if what == b"F":
                    self._fork(number, memory_bytes, descriptors[0])
                else:
                    self._kill(number)
        for number in list(self._numbers.values()):
            self._kill(number)

    def _fork(self, number: int, memory_bytes: int, descriptor: int) -> None:
        parent = os.getpid()
        try:
            pid = os.fork()
        except OSError:
            os.close(descriptor)
            self._say(b"E", number, 0)
            return
        if pid:
            os.close(descriptor)
            self._numbers[pid] = number
            return
        try:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            for other in (self._control.fileno(), *self._wakes):  # what is left is wasmtime's image of the memory
                os.close(other)
            self._worker.serve(descriptor, memory_bytes, parent)
        except BaseException as error:  # a fault of ours: a guest's words are not in it
            sys.stderr.write(f"A worker failed: {type(error).__name__}: {str(error)[:300]}\n")
            sys.stderr.flush()
        finally:
            os._exit(1)

    def _kill(self, number: int) -> None:
        """One that has ended is not reaped yet, so that its id is nobody else's."""
        for pid, other in self._numbers.items():
            if other == number:
                os.kill(pid, signal.SIGKILL)

    def _bury(self) -> None:
        while self._numbers:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if not pid:
                return
            self._say(b"E", self._numbers.pop(pid), status)

    def _say(self, what: bytes, number: int, status: int) -> None:
        self._control.sendall(CONTROL.pack(what, number, status))


def _loaded(wasmtime: Any, engine: Any, folder: str) -> Any:
    """The component as it was compiled; compiled here where it does not fit this processor, or is not there."""
    from wasmtime.component import Component  # pyright: ignore[reportMissingImports]

    kind: Any = Component
    try:
        return kind.deserialize_file(engine, os.path.join(folder, COMPILED))
    except wasmtime.WasmtimeError as error:
        import gzip

        sys.stderr.write(f"The compiled component does not fit here and is compiled anew: {str(error)[:300]}\n")
        sys.stderr.flush()
        with gzip.open(os.path.join(folder, COMPONENT)) as file:
            return kind(engine, file.read())


def main(site_packages: str, folder: str, control_fd: int) -> None:
    """See the module."""
    import gc

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal's, which the service gets, too, and lets its runs end
    sys.path.append(site_packages)
    import wasmtime  # pyright: ignore[reportMissingImports]

    engine = wasmtime.Engine(configured(wasmtime))
    worker = Worker(wasmtime, engine, _loaded(wasmtime, engine, folder))
    worker.warm_up()
    gc.freeze()  # so that workers share it
    gc.disable()
    ForkServer(socket.socket(fileno=control_fd), worker).serve()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))

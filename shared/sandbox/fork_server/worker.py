"""A worker: the forked process that runs programs.

A guest can call only the functions that are linked here: two for messages, and those for the clock and random bytes.
Any other system call of its Python is a trap, which ends the process.
"""

import json
import math
import os
import re
import resource
import signal
import threading
import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, NoReturn

from . import EXIT_CODES
from .component import STACK_BYTES
from .confinement import confine, measure_memory
from .quick_functions import QuickFunctions
from .run_environment import RunEnvironment

_WASI = "0.2.9"
_LAST_MESSAGES = ('{"kind": "done"', '{"kind": "failed"')
"""The possible beginnings of the guest's last message, after which its run ends."""
_READ_AHEAD_BYTES = 2**14
_MAX_IDLE_STACK_BYTES = 8 * 2**20
"""The maximum stack size of a worker that waits for another run."""
_GRACE_SECONDS = 5
_SIGNAL_INTERVAL_SECONDS = 0.05


class Worker:
    """Runs programs one after the other, each in its own instance."""

    def __init__(self, wasmtime: Any, engine: Any, component: Any) -> None:
        self._wasmtime = wasmtime
        self._engine = engine
        self._component = component
        self._quick = QuickFunctions()
        self._linker = self._link()
        self._socket = -1
        self._has_begun = False
        self._has_ended = False
        self._unsent = b""
        self._spare = bytearray(_READ_AHEAD_BYTES)
        self._ahead = memoryview(b"")
        self._end_at = 0.0
        self._end_lock = threading.Lock()
        self._peak = 0
        self._environment = RunEnvironment()

    def _link(self) -> Any:
        from wasmtime.component import Linker  # pyright: ignore[reportMissingImports]

        linker: Any = Linker(self._engine)
        linker.allow_shadowing = True
        linker.define_unknown_imports_as_traps(self._component)
        functions: dict[str, dict[str, Callable[..., Any]]] = {
            "wasi:cli/environment": {"initial-cwd": _make_constant(None)},
            "wasi:clocks/wall-clock": {"now": self._now, "resolution": _make_constant(_to_wasi_datetime(1))},
            "wasi:clocks/monotonic-clock": {"resolution": _make_constant(1)},
            "wasi:random/random": {"get-random-u64": self._random_number},
            "wasi:filesystem/preopens": {"get-directories": _make_constant([])},
        }
        quick = self._quick
        with linker.root() as root:
            quick.define_receiver(root, "receive", self._receive)
            quick.define_sender(root, "send", self._send)
            for name, members in functions.items():
                with root.add_instance(f"{name}@{_WASI}") as instance:
                    for member, function in members.items():
                        instance.add_func(member, function)
                    if name == "wasi:cli/environment":
                        quick.define_empty_list(instance, "get-environment")
                        quick.define_empty_list(instance, "get-arguments")
                    elif name == "wasi:clocks/monotonic-clock":
                        quick.define_number(instance, "now", self._elapsed)
                    elif name == "wasi:random/random":
                        quick.define_bytes(instance, "get-random-bytes", self._random)
        return linker

    def warm_up(self) -> None:
        """Creates an instance that runs nothing. The first instance creates the memory image that all others share."""
        store, _ = self._instantiate(None)
        store.close()

    def _instantiate(self, memory_bytes: int | None) -> tuple[Any, Any]:
        """Creates an instance. Returns its store, and the function that runs it."""
        store = self._wasmtime.Store(self._engine)
        if memory_bytes is not None:
            store.set_limits(memory_size=memory_bytes)
        return store, self._linker.instantiate(store, self._component).get_func(store, "run")

    def serve(self, socket_fd: int, memory_bytes: int, parent: int) -> NoReturn:
        """Runs programs until the socket is closed, a run does not end properly, or the process `parent` ends."""
        self._socket = socket_fd
        confine(memory_bytes, parent)
        self._watch_cpu_time()
        while True:
            self._has_begun = self._has_ended = False
            store, run = self._instantiate(memory_bytes)
            ending = self._run(run, store)
            signal.setitimer(signal.ITIMER_PROF, 0)
            with self._end_lock:
                self._end_at = math.inf  # a signal that is still pending must not end the next run
            if ending == b"well" and self._has_grown():
                ending = b"grown"
            self._write(b"W", ending)
            if ending != b"well":
                os._exit(EXIT_CODES.get(ending, 0))
            store.close()

    def _has_grown(self) -> bool:
        """Whether the stack is too large for an idle worker. This is checked only if the peak memory use has grown."""
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        if peak < self._peak + _MAX_IDLE_STACK_BYTES:
            return False
        self._peak = peak
        return measure_memory("VmStk") > _MAX_IDLE_STACK_BYTES

    def _run(self, run: Any, store: Any) -> bytes:
        try:
            run(store)
        except MemoryError:
            return b"memory"
        except (self._wasmtime.Trap, self._wasmtime.WasmtimeError) as error:
            return _classify(str(error))
        return b"well"

    def _watch_cpu_time(self) -> None:
        """Starts a thread that ends the process when its run has used up its CPU time.

        The system measures the time and sends a signal that wakes the thread. The thread can run because WebAssembly
        does not hold Python's lock.
        """
        reader, writer = os.pipe()
        os.set_blocking(writer, False)
        signal.signal(signal.SIGPROF, _wake)
        signal.set_wakeup_fd(writer, warn_on_full_buffer=False)

        def interrupt() -> None:
            while True:
                os.read(reader, 1)
                with self._end_lock:
                    if time.process_time() >= self._end_at:
                        os._exit(EXIT_CODES[b"seconds"])

        threading.Thread(target=interrupt, daemon=True).start()

    # The functions that the guest may call

    def _receive(self, _store: Any) -> str:
        if self._has_begun:
            self._flush()
        else:
            self._has_begun = True
            while not (frame := self._read_frame()).startswith(b"{"):
                pass  # an answer that the previous run has not read
            self._begin(json.loads(frame))
        frame = self._read_frame()
        self._environment.wait(int.from_bytes(frame[:8], "big"))
        return str(memoryview(frame)[8:], "utf-8")

    def _send(self, _store: Any, message: str) -> None:
        is_last = message.startswith(_LAST_MESSAGES) and not self._has_ended
        self._has_ended |= is_last
        self._write(b"G", message.encode(), hold=is_last or not self._has_begun)

    def _now(self, _store: Any) -> Any:
        return _to_wasi_datetime(self._environment.now())

    def _elapsed(self, _store: Any) -> int:
        return self._environment.elapsed()

    def _random(self, _store: Any, length: int) -> bytes:
        return self._environment.random(length)

    def _random_number(self, _store: Any) -> int:
        return int.from_bytes(self._environment.random(8), "big")

    def _begin(self, start: Any) -> None:
        used = time.process_time()
        self._end_at = used + start["cpu_seconds"]
        signal.setitimer(signal.ITIMER_PROF, start["cpu_seconds"], _SIGNAL_INTERVAL_SECONDS)
        max_seconds = int(self._end_at) + _GRACE_SECONDS
        resource.setrlimit(resource.RLIMIT_CPU, (max_seconds, resource.RLIM_INFINITY))
        self._environment = RunEnvironment(bytes.fromhex(start["seed"]), start["clock"])

    # Frames on the worker's socket. The process ends if the service has closed it.

    def _read_frame(self) -> bytearray:
        return self._read(int.from_bytes(self._read(4), "big"))

    def _read(self, length: int) -> bytearray:
        """Reads `length` bytes. Also reads ahead, as the first two frames of a run usually arrive together."""
        data = bytearray(length)
        rest = memoryview(data)
        taken = min(length, len(self._ahead))
        rest[:taken] = self._ahead[:taken]
        rest, self._ahead = rest[taken:], self._ahead[taken:]
        while rest:
            try:
                read = os.readv(self._socket, [rest, self._spare])
            except OSError:
                read = 0
            if not read:
                os._exit(0)
            self._ahead = memoryview(self._spare)[: max(read - len(rest), 0)]
            rest = rest[read:]
        return data

    def _write(self, sender: bytes, data: bytes, hold: bool = False) -> None:
        """Sends a frame. `hold`: sends it together with the next frame, to wake the service once instead of twice."""
        self._unsent += (len(data) + 1).to_bytes(4, "big") + sender + data
        if not hold:
            self._flush()

    def _flush(self) -> None:
        rest, self._unsent = memoryview(self._unsent), b""
        try:
            while rest:
                rest = rest[os.write(self._socket, rest) :]
        except OSError:
            os._exit(0)


def _classify(trap: str) -> bytes:
    """Returns why a run ended, according to the trap's message and the functions that it lists.

    `stack`: the native stack, or that of C code inside the memory, which grows downwards and ends at address 0.
    `memory`: an allocation failed in the Rust code that handles messages, which then aborts.
    """
    address = re.search(r"memory fault at wasm address 0x([0-9a-f]+)", trap)
    if "stack exhausted" in trap or (address is not None and int(address[1], 16) >= 2**32 - STACK_BYTES):
        return b"stack"
    return b"memory" if "handle_alloc_error" in trap else b"trap"


def _make_constant(value: Any) -> Callable[[Any], Any]:
    def function(_store: Any) -> Any:
        return value

    return function


def _to_wasi_datetime(nanoseconds: int) -> Any:
    return SimpleNamespace(seconds=nanoseconds // 10**9, nanoseconds=nanoseconds % 10**9)


def _wake(_signal: int, _frame: Any) -> None:
    """Does nothing: the signal only needs to wake the thread that watches CPU time."""

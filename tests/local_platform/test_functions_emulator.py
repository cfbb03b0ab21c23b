"""Starting the functions in advance works even on a busy machine."""

import os
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from local_platform import functions_emulator
from local_platform.functions_emulator import FunctionsEmulator

NAMES = [*(f"small{number}" for number in range(8)), "worker"]


class Functions(ThreadingHTTPServer):
    """Replaces the functions emulator. `hanging` contains the functions that never start."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.requested: list[str] = []
        self.hanging: set[str] = set()
        self.ended = threading.Event()
        self.current = self.peak = 0
        self.lock = threading.Lock()


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        server = self.server
        assert isinstance(server, Functions)
        name = self.path.split("/")[3]
        with server.lock:
            server.requested.append(name)
            server.current += 1
            server.peak = max(server.peak, server.current)
        server.ended.wait(30 if name in server.hanging else 0.05)
        with server.lock:
            server.current -= 1
        self.send_response(404)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is the library's
        """Keeps requests out of the tests' output."""


@pytest.fixture
def functions() -> Iterator[Functions]:
    server = Functions()
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.ended.set()
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def emulator(functions: Functions) -> FunctionsEmulator:
    return FunctionsEmulator(functions.server_port)


def test_functions_are_warmed_a_few_at_a_time(emulator: FunctionsEmulator, functions: Functions) -> None:
    """The slowest function is among the first to start. The number of started functions is reported."""
    reported: list[int] = []
    assert emulator.warm(NAMES, progress=reported.append) == []
    assert sorted(functions.requested) == sorted(NAMES)
    limit = max(2, os.cpu_count() or 1)
    assert functions.peak <= limit
    assert "worker" in functions.requested[:limit]
    assert reported == sorted(reported)
    assert reported[-1] == len(NAMES)


def test_a_function_that_does_not_start_is_named(
    emulator: FunctionsEmulator, functions: Functions, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A function that does not start does not prevent the others from being warmed."""
    monkeypatch.setattr(functions_emulator, "WARM_SECONDS", 1.0)
    functions.hanging = {"small3"}
    assert emulator.warm(NAMES) == ["small3"]


def test_warming_can_be_cancelled(emulator: FunctionsEmulator, functions: Functions) -> None:
    """The first Ctrl-C ends the wait, even if every function hangs."""
    functions.hanging = set(NAMES)
    cancelled = threading.Event()
    threading.Timer(0.3, cancelled.set).start()
    assert emulator.warm(NAMES, cancelled) == NAMES

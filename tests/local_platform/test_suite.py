"""Functions are warmed so that it works on a busy machine."""

import os
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from local_platform import suite as suite_module
from local_platform.layout import Layout
from local_platform.ports import Ports
from local_platform.suite import Suite

NAMES = [f"small{number}" for number in range(8)]


class Functions(ThreadingHTTPServer):
    """Replaces the functions emulator; `hanging` are functions that never start."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.asked: list[str] = []
        self.hanging: set[str] = set()
        self.ended = threading.Event()
        self.now = self.most = 0
        self.lock = threading.Lock()


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        server = self.server
        assert isinstance(server, Functions)
        name = self.path.split("/")[3]
        with server.lock:
            server.asked.append(name)
            server.now += 1
            server.most = max(server.most, server.now)
        server.ended.wait(30 if name in server.hanging else 0.05)
        with server.lock:
            server.now -= 1
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
def suite(functions: Functions, tmp_path: Path) -> Suite:
    suite = Suite(ports=replace(Ports(), functions=functions.server_port), environ={}, layout=Layout(tmp_path))
    suite.log.start_over()
    suite.functions = [*NAMES, "worker"]
    return suite


def test_functions_are_warmed_a_few_at_a_time(suite: Suite, functions: Functions) -> None:
    """The largest is among the first; the number of started functions is reported."""
    told: list[int] = []
    assert suite.warm(progress=lambda up, lines: told.append(up)) == []
    assert sorted(functions.asked) == sorted(suite.functions)
    few = max(2, os.cpu_count() or 1)
    assert functions.most <= few
    assert "worker" in functions.asked[:few]
    assert told == sorted(told)
    assert told[-1] == len(suite.functions)


def test_a_function_that_does_not_start_is_named(
    suite: Suite, functions: Functions, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The others are warmed anyway."""
    monkeypatch.setattr(suite_module, "WARM_SECONDS", 1.0)
    functions.hanging = {"small3"}
    assert suite.warm() == ["small3"]


def test_warming_can_be_cancelled(suite: Suite, functions: Functions) -> None:
    """By the first Ctrl-C, even if a function hangs."""
    functions.hanging = {*NAMES, "worker"}
    cancelled = threading.Event()
    threading.Timer(0.3, cancelled.set).start()
    began = time.monotonic()
    assert suite.warm(cancelled) == suite.functions
    assert time.monotonic() - began < 15

"""`make run` becomes ready, answers requests, stops without leaving processes behind, and saves the data."""

import http.client
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from local_platform import processes
from local_platform.layout import LAYOUT
from local_platform.ports import Ports, http_response, http_status, is_taken

OFFSET = 21000
PORTS = Ports().moved(OFFSET)
FOLDER = LAYOUT.local / f"suite-{OFFSET}"
DATA = LAYOUT.local / f"data-{OFFSET}"
DOCUMENT = "/v1/projects/demo-agents/databases/(default)/documents/restarts/one"

pytestmark = pytest.mark.e2e


@pytest.fixture
def start() -> Iterator[Callable[[Path], "subprocess.Popen[bytes]"]]:
    """Starts the launcher with its output in a file, and waits until it reports that the service is ready."""
    running: list[subprocess.Popen[bytes]] = []

    def begin(output: Path) -> "subprocess.Popen[bytes]":
        environ = {**os.environ, "PORT_OFFSET": str(OFFSET), "LOCAL_MODEL": "off", "APP_ENV": "local"}
        environ.pop("FIRESTORE_EMULATOR_HOST", None)
        # The launcher inherits the handling of SIGHUP, and the tests may run under nohup.
        before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
        with output.open("wb") as out:
            launcher = subprocess.Popen(
                [sys.executable, LAYOUT.root / "emulator-config" / "run.py"],
                env=environ,
                stdout=out,
                stderr=out,
                start_new_session=True,
            )
        signal.signal(signal.SIGHUP, before)
        running.append(launcher)
        ready = processes.wait_for(lambda: "✓ Ready" in output.read_text() or launcher.poll() is not None, seconds=120)
        assert ready, output.read_text()
        assert launcher.poll() is None, output.read_text()
        return launcher

    yield begin
    for launcher in running:
        launcher.kill()
        launcher.wait()
    processes.end_processes([entry.process for entry in processes.find_marked(FOLDER)])
    shutil.rmtree(FOLDER, ignore_errors=True)
    shutil.rmtree(DATA, ignore_errors=True)


def _firestore(method: str, body: object = None) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", PORTS.firestore, timeout=10)
    headers = {"Authorization": "Bearer owner", "Content-Type": "application/json"}
    connection.request(method, DOCUMENT, json.dumps(body) if body else None, headers)
    status = connection.getresponse().status
    connection.close()
    return status


def _assert_everything_stopped() -> None:
    assert processes.find_marked(FOLDER) == []
    ports = PORTS.for_parts(firestore=True, ui=False, model=False)
    assert [port for port in ports.values() if is_taken(port)] == []


def test_data_survives_a_restart_and_processes_end_with_the_launcher(
    start: Callable[[Path], "subprocess.Popen[bytes]"], tmp_path: Path
) -> None:
    """A single signal stops everything in order, and the second start loads the data of the first."""
    launcher = start(tmp_path / "first")
    assert http_status(PORTS.hosting, "/health") == 200
    assert http_status(PORTS.hosting, "/api/health") == 200
    assert http_status(PORTS.hosting, "/api/nonsense") == 404
    assert _firestore("PATCH", {"fields": {"x": {"stringValue": "stored"}}}) == 200
    launcher.send_signal(signal.SIGINT)
    assert launcher.wait(60) == 0
    assert "✓ Stopped; the data is saved" in (tmp_path / "first").read_text()
    _assert_everything_stopped()

    launcher = start(tmp_path / "second")
    assert _firestore("GET") == 200
    launcher.send_signal(signal.SIGHUP)
    assert launcher.wait(60) == 0
    _assert_everything_stopped()


@pytest.mark.long
def test_after_a_killed_launcher_the_next_start_cleans_up_first(
    start: Callable[[Path], "subprocess.Popen[bytes]"], tmp_path: Path
) -> None:
    """The processes that the killed launcher left behind are stopped, and their data is saved."""
    launcher = start(tmp_path / "first")
    assert _firestore("PATCH", {"fields": {"x": {"stringValue": "stored"}}}) == 200
    launcher.kill()
    launcher.wait()
    assert http_status(PORTS.hosting, "/health") == 200

    launcher = start(tmp_path / "second")
    assert re.search(r"Stopped \d+ processes that an earlier run left behind", (tmp_path / "second").read_text())
    assert _firestore("GET") == 200
    launcher.send_signal(signal.SIGTERM)
    assert launcher.wait(60) == 0
    _assert_everything_stopped()


@pytest.mark.long
def test_the_launcher_waits_for_requests_until_a_second_signal_and_saves_the_data(
    start: Callable[[Path], "subprocess.Popen[bytes]"], tmp_path: Path
) -> None:
    """The launcher reports how many requests it waits for. Closing the terminal in the meantime has no effect."""
    output = tmp_path / "first"
    launcher = start(output)
    assert _firestore("PATCH", {"fields": {"x": {"stringValue": "stored"}}}) == 200
    slow = {"code": "import asyncio\nasync def run(input_dict, tools):\n    await asyncio.sleep(40)", "inputDict": {}}
    connection = http.client.HTTPConnection("127.0.0.1", PORTS.hosting, timeout=60)
    connection.request("POST", "/agents/run-code", json.dumps(slow), {"Content-Type": "application/json"})
    assert processes.wait_for(
        lambda: http_response(PORTS.functions, "/__under_way") == (200, b'{"requests":1}'), seconds=20
    )
    launcher.send_signal(signal.SIGINT)
    waits = re.compile(r"Waiting for \d requests?, at most 20 s")  # a sweep may also be under way
    assert processes.wait_for(lambda: waits.search(output.read_text()) is not None, seconds=10)
    launcher.send_signal(signal.SIGHUP)
    assert not processes.wait_for(lambda: "saving the data" in output.read_text(), seconds=1)
    launcher.send_signal(signal.SIGINT)
    assert launcher.wait(30) == 0
    assert "✓ Stopped; the data is saved" in output.read_text()
    connection.close()
    _assert_everything_stopped()

    launcher = start(tmp_path / "second")
    assert _firestore("GET") == 200
    launcher.send_signal(signal.SIGINT)
    assert launcher.wait(60) == 0

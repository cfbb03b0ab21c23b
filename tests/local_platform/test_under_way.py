"""The suite's hook reports how many requests to functions are under way."""

import http.client
import json
import shutil
import socket
import subprocess
from collections.abc import Iterator

import pytest

from local_platform import processes
from local_platform.environment import UNDER_WAY
from local_platform.functions_emulator import FunctionsEmulator

SERVER = """
const held = [];
const server = require("node:http").createServer((request, response) => {
  if (request.url === "/release") held.splice(0).forEach((each) => each.end("done"));
  if (request.url.endsWith("/slow")) held.push(response);
  else response.end("immediate");
});
server.listen(0, "127.0.0.1", () => console.log(server.address().port));
"""


@pytest.fixture
def port() -> Iterator[int]:
    """Starts a server with the hook, where `/release` ends the requests to `…/slow`."""
    node = shutil.which("node")
    assert node
    command = [node, "--require", str(UNDER_WAY), "-e", SERVER]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout
        yield int(server.stdout.readline())
        server.kill()


@pytest.fixture
def emulator(port: int) -> FunctionsEmulator:
    return FunctionsEmulator(port)


def _send(port: int, path: str) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", port))
    connection.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    return connection


def _reaches(emulator: FunctionsEmulator, count: int) -> bool:
    return processes.wait_for(lambda: emulator.count_requests() == count, seconds=10)


def test_requests_count_until_they_are_answered_or_their_callers_disconnect(
    emulator: FunctionsEmulator, port: int
) -> None:
    """Only requests to a function's own address and requests from the queue count."""
    assert emulator.count_requests() == 0
    first = _send(port, "/demo-agents/us-central1/chat/slow")
    second = _send(port, "/functions/projects/demo-agents/triggers/worker/slow")
    other = _send(port, "/api/slow")
    assert _reaches(emulator, 2)
    second.close()
    assert _reaches(emulator, 1)
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("GET", "/release")
    assert connection.getresponse().read() == b"immediate"
    assert _reaches(emulator, 0)
    for each in (first, other, connection):
        each.close()


def test_an_emulator_that_does_not_answer_has_no_requests() -> None:
    """An emulator that does not answer is being stopped, so there are no requests to wait for."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        assert FunctionsEmulator(probe.getsockname()[1]).count_requests() == 0


def test_the_wait_for_requests_ends_when_none_remain_or_the_time_is_up(emulator: FunctionsEmulator, port: int) -> None:
    """The wait also ends when it is interrupted, and reports the remaining requests."""
    assert emulator.wait_for_requests(seconds=60) == 0
    connection = _send(port, "/demo-agents/us-central1/chat/slow")
    assert _reaches(emulator, 1)
    assert emulator.wait_for_requests(seconds=0.2) == 1
    assert emulator.wait_for_requests(seconds=60, interrupted=lambda: True) == 1
    connection.close()
    assert emulator.wait_for_requests(seconds=60) == 0


def test_the_response_is_json(port: int) -> None:
    """The hook reports the number of requests as a JSON object."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("GET", "/__under_way")
    assert json.loads(connection.getresponse().read()) == {"requests": 0}
    connection.close()

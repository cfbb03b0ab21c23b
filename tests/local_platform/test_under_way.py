"""The suite's hook reports how many requests to functions are under way."""

import http.client
import json
import shutil
import socket
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from local_platform import processes
from local_platform.environment import UNDER_WAY
from local_platform.layout import Layout
from local_platform.ports import Ports
from local_platform.suite import Suite

SERVER = """
const held = [];
const server = require("node:http").createServer((request, response) => {
  if (request.url === "/release") held.splice(0).forEach((each) => each.end("done"));
  if (request.url.endsWith("/slow")) held.push(response);
  else response.end("at once");
});
server.listen(0, "127.0.0.1", () => console.log(server.address().port));
"""


@pytest.fixture
def port() -> Iterator[int]:
    """A server with the hook, where `/release` ends the requests to `…/slow`."""
    node = shutil.which("node")
    assert node
    command = [node, "--require", str(UNDER_WAY), "-e", SERVER]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout
        yield int(server.stdout.readline())
        server.kill()


@pytest.fixture
def suite(port: int, tmp_path: Path) -> Suite:
    return Suite(ports=replace(Ports(), functions=port), environ={}, layout=Layout(tmp_path))


def _ask(port: int, path: str) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", port))
    connection.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    return connection


def _has(suite: Suite, count: int) -> bool:
    return processes.wait_for(lambda: suite.under_way() == count, seconds=10)


def test_requests_count_until_they_are_answered_or_their_callers_disconnect(suite: Suite, port: int) -> None:
    """Requests to a function's own address and the queue's requests; no others."""
    assert suite.under_way() == 0
    first = _ask(port, "/demo-agents/us-central1/chat/slow")
    second = _ask(port, "/functions/projects/demo-agents/triggers/worker/slow")
    other = _ask(port, "/api/slow")
    assert _has(suite, 2)
    second.close()
    assert _has(suite, 1)
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("GET", "/release")
    assert connection.getresponse().read() == b"at once"
    assert _has(suite, 0)
    for each in (first, other, connection):
        each.close()


def test_a_suite_that_does_not_answer_has_none_under_way(tmp_path: Path) -> None:
    """It is being stopped, and there is nothing to wait for."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        silent = Suite(ports=replace(Ports(), functions=probe.getsockname()[1]), environ={}, layout=Layout(tmp_path))
        assert silent.under_way() == 0


def test_requests_are_waited_for_until_there_are_none_or_the_time_is_up(suite: Suite, port: int) -> None:
    """Or until the wait is interrupted."""
    assert suite.wait_for_requests(seconds=60) == 0
    held = _ask(port, "/demo-agents/us-central1/chat/slow")
    assert _has(suite, 1)
    assert suite.wait_for_requests(seconds=0.2) == 1
    assert suite.wait_for_requests(seconds=60, interrupted=lambda: True) == 1
    held.close()
    assert suite.wait_for_requests(seconds=60) == 0


def test_the_answer_is_json(port: int) -> None:
    """So that a person can read it, too."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("GET", "/__under_way")
    assert json.loads(connection.getresponse().read()) == {"requests": 0}
    connection.close()

"""The suite's hook rewrites requests that its Hosting cannot handle."""

import json
import shutil
import subprocess

import pytest

from local_platform.environment import ODD_REQUESTS

SERVER = """
const http = require("node:http"), net = require("node:net");
const server = http.createServer((request, response) => {
  let body = "";
  request.on("data", (part) => (body += part));
  request.on("end", () => response.end(JSON.stringify([request.url, Object.keys(request.headers), body])));
});
server.listen(0, "127.0.0.1", () => {
  const connection = net.connect(server.address().port, "127.0.0.1", () => connection.write(process.argv[1]));
  let received = "";
  connection.on("data", (part) => (received += part));
  connection.on("end", () => {
    console.log(received.slice(received.indexOf("["), received.lastIndexOf("]") + 1));
    server.close();
  });
});
"""


def send(request: str) -> tuple[str, list[str], str]:
    """Returns the path, the header names and the body that a server with the hook receives."""
    node = shutil.which("node")
    assert node
    command = [node, "--require", str(ODD_REQUESTS), "-e", SERVER, request]
    process = subprocess.run(command, capture_output=True, text=True, timeout=30, check=True)
    path, headers, body = json.loads(process.stdout)
    return path, headers, body


@pytest.mark.parametrize(
    ("path", "rewritten"),
    [
        ("/demos/%FF", "/demos/%EF%BF%BD"),
        ("/demos/%E0%A4%A", "/demos/%EF%BF%BD%25A"),
        ("/%zz?x=%FF", "/%25zz?x=%FF"),
        ("/%C3%A9/a%2Fb%20c?x=%C3", "/%C3%A9/a%2Fb%20c?x=%C3"),
    ],
)
def test_a_path_in_invalid_utf8_becomes_valid(path: str, rewritten: str) -> None:
    """A path is rewritten as a function's own server would read it. Valid paths are not changed."""
    assert send(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")[0] == rewritten


def test_headers_that_node_has_handled_are_not_forwarded() -> None:
    """`Transfer-Encoding` and `Expect` are removed, and the body is complete."""
    head = (
        "POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nExpect: 100-continue\r\nTransfer-Encoding: chunked\r\n\r\n"
    )
    _, headers, body = send(f"{head}3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n")
    assert sorted(headers) == ["connection", "host"]
    assert body == "abcde"

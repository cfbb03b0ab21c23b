"""Tests unusual requests, byte by byte, through Hosting and at the functions emulator."""

import gzip
import json
import socket
from typing import Any

import pytest

from local_platform.suite import Suite

pytestmark = pytest.mark.e2e

USAGE = b'{"responseCost": 0, "metadata": {"by": "hand"}}'


def send(address: str, request: bytes) -> tuple[int, dict[str, str], bytes]:
    """Sends the bytes of a request, and returns the status, headers and body of the response."""
    host, _, port = address.removeprefix("http://").partition(":")
    head, _, body = request.partition(b"\r\n\r\n")
    with socket.create_connection((host, int(port)), timeout=60) as connection:
        connection.sendall(head + f"\r\nHost: {host}:{port}\r\nConnection: close\r\n\r\n".encode() + body)
        response = b""
        while part := connection.recv(65536):
            response += part
    head, _, body = response.removeprefix(b"HTTP/1.1 100 Continue\r\n\r\n").partition(b"\r\n\r\n")
    lines = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines[1:])}
    return int(lines[0].split()[1]), headers, body


def detail(body: bytes) -> Any:
    """Returns the `detail` of an error in the documented shape, even if its body is chunked."""
    text = body[body.index(b"{") : body.rindex(b"}") + 1]
    return json.loads(text)["detail"]


def endpoints(suite: Suite) -> list[tuple[str, bytes]]:
    """Returns an address and the path before a function's name, for Hosting and for the functions emulator."""
    address, _, folder = suite.function_url("").removeprefix("http://").partition("/")
    return [(suite.url, b"/api"), (f"http://{address}", f"/{folder.rstrip('/')}".encode())]


@pytest.mark.parametrize("invalid_part", [b"%FF", b"%E0%A4%A", b"%", b"%zz", b"%C3%28", b"%00", b"%ED%A0%80", b"%252F"])
def test_an_invalid_path_is_refused(local_suite: Suite, invalid_part: bytes) -> None:
    """At both addresses, an invalid path gets a 400 or 404 in the documented shape."""
    for address, prefix in endpoints(local_suite):
        for path in (
            b"/demos/" + invalid_part,
            b"/demos/" + invalid_part + b"/page",
            b"/sessions/" + invalid_part + b"/other",
        ):
            status, _, body = send(address, b"GET " + prefix + path + b" HTTP/1.1\r\n\r\n")
            assert status in (400, 404), (address, path, body)
            assert isinstance(detail(body), str)


def test_a_chunked_body_is_read(local_suite: Suite) -> None:
    """A chunked body, which clients send if they do not know the length in advance, is read."""
    for address, prefix in endpoints(local_suite):
        head = b"POST " + prefix + b"/users/me/usage HTTP/1.1\r\nContent-Type: application/json\r\n"
        chunks = b"10\r\n" + USAGE[:16] + b"\r\n%x\r\n" % len(USAGE[16:]) + USAGE[16:] + b"\r\n0\r\n\r\n"
        status, _, body = send(address, head + b"Transfer-Encoding: chunked\r\n\r\n" + chunks)
        assert status == 200, (address, body)


def test_a_body_after_expect_is_read(local_suite: Suite) -> None:
    """A body after an `Expect` header, which curl sends with long bodies, is read."""
    for address, prefix in endpoints(local_suite):
        head = b"POST " + prefix + b"/users/me/usage HTTP/1.1\r\nContent-Type: application/json\r\n"
        head += b"Expect: 100-continue\r\nContent-Length: %d\r\n\r\n" % len(USAGE)
        status, _, body = send(address, head + USAGE)
        assert status == 200, (address, body)


def test_a_compressed_body_is_read(local_suite: Suite) -> None:
    """At both addresses, a body that is compressed with gzip is read."""
    compressed = gzip.compress(USAGE)
    for address, prefix in endpoints(local_suite):
        head = b"POST " + prefix + b"/users/me/usage HTTP/1.1\r\nContent-Type: application/json\r\n"
        head += b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(compressed)
        status, _, body = send(address, head + compressed)
        assert status == 200, (address, body)


def test_head_is_get_without_the_body(local_suite: Suite) -> None:
    """HEAD returns the status and the content type of GET, and no body."""
    for address, prefix in endpoints(local_suite):
        for path, status in ((b"/users/me", 200), (b"/demos/none/page", 404), (b"/providers", 200)):
            actual_status, headers, body = send(address, b"HEAD " + prefix + path + b" HTTP/1.1\r\n\r\n")
            assert (actual_status, body) == (status, b""), (address, path)
            assert headers["content-type"].startswith("application/json")


@pytest.mark.parametrize(("origin", "status"), [(b"http://localhost:5173", 200), (b"https://evil.example", 400)])
def test_the_function_responds_to_preflight_requests(local_suite: Suite, origin: bytes, status: int) -> None:
    """A frontend's development server may call the service. For other origins, the error names the setting to
    change."""
    for address, prefix in endpoints(local_suite):
        head = b"OPTIONS " + prefix + b"/chat HTTP/1.1\r\nOrigin: " + origin + b"\r\n"
        preflight = b"Access-Control-Request-Method: POST\r\nAccess-Control-Request-Headers: content-type\r\n\r\n"
        actual_status, headers, body = send(address, head + preflight)
        assert actual_status == status, (address, body)
        if status == 200:
            assert headers["access-control-allow-origin"] == origin.decode()
            assert headers["access-control-allow-credentials"] == "true"
        else:
            assert "CORS_ORIGINS" in detail(body)

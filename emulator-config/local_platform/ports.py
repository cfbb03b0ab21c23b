"""Defines the suite's ports, moves them, and finds the process that uses one."""

import dataclasses
import http.client
import socket
from collections.abc import Mapping
from dataclasses import dataclass

import psutil

from local_platform.console import Problem

HOST = "127.0.0.1"
_LARGEST_PORT = 65535
_SUGGESTED_OFFSETS = (10000, 20000)


@dataclass(frozen=True)
class Ports:
    """The suite's ports. The defaults are those in `firebase.json`. Functions use free ports in 8081–9081."""

    hosting: int = 8000
    functions: int = 5001
    firestore: int = 8080
    firestore_websocket: int = 9150
    auth: int = 9099
    tasks: int = 9499
    eventarc: int = 9299
    hub: int = 4400
    logging: int = 4500
    ui: int = 4000
    model: int = 9700

    @classmethod
    def from_environ(cls, environ: Mapping[str, str]) -> "Ports":
        """Returns the ports moved by PORT_OFFSET, with HTTP_PORT for the service. Raises `Problem` for invalid ones."""
        ports = cls().moved(_read_number(environ, "PORT_OFFSET", 0, _LARGEST_PORT - max(cls().by_name().values())) or 0)
        http_port = _read_number(environ, "HTTP_PORT", 1, _LARGEST_PORT)
        if not http_port:
            return ports
        for name, port in ports.by_name().items():
            if port == http_port and name != "hosting":
                raise Problem(f"HTTP_PORT is {http_port}, which the suite uses for {name}", "Choose another port.")
        return dataclasses.replace(ports, hosting=http_port)

    def moved(self, offset: int) -> "Ports":
        """Returns these ports, each increased by `offset`."""
        return Ports(**{name: port + offset for name, port in self.by_name().items()})

    @property
    def offset(self) -> int:
        """The difference from the default ports. HTTP_PORT does not affect it."""
        return self.hub - Ports.hub

    def by_name(self) -> dict[str, int]:
        return dataclasses.asdict(self)

    def for_parts(self, *, firestore: bool, ui: bool, model: bool) -> dict[str, int]:
        """Returns the ports that a suite with these parts will open."""
        excluded = {
            *(() if firestore else ("firestore", "firestore_websocket")),
            *(() if ui else ("ui",)),
            *(() if model else ("model",)),
        }
        return {name: port for name, port in self.by_name().items() if name not in excluded}


def suggest_offset(offset: int) -> int:
    """Returns a PORT_OFFSET to suggest if `offset` is in use."""
    return next(other for other in _SUGGESTED_OFFSETS if other != offset)


def is_taken(port: int) -> bool:
    """Returns whether a process listens on `port` of 127.0.0.1."""
    with socket.socket() as probe:
        probe.settimeout(1)
        if probe.connect_ex((HOST, port)) == 0:
            return True
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return True
    return False


def require_free(ports: Mapping[str, int], offset: int = 0) -> None:
    """Raises `Problem` for the first port that is taken. The problem names the process if it can be found.

    The remedy suggests a PORT_OFFSET other than `offset`, which is in use.
    """
    for name, port in ports.items():
        if is_taken(port):
            what = f"Port {port} ({name.replace('_', ' ')}) is taken"
            if holder := find_holder(port):
                what += f" by {holder.name()} (process {holder.pid})"
            raise Problem(
                what,
                "Stop that program, or move this suite's ports, for example with "
                f"PORT_OFFSET={suggest_offset(offset)}.",
            )


def find_holder(port: int) -> psutil.Process | None:
    """Returns the process that listens on `port`, or None if it is hidden, as other users' processes may be."""
    for process in psutil.process_iter():
        try:
            connections = process.net_connections(kind="tcp")
        except psutil.Error:
            continue
        for connection in connections:
            if connection.status == psutil.CONN_LISTEN and connection.laddr and connection.laddr.port == port:
                return process
    return None


def free_port() -> int:
    """Returns a port on which no process listens at the moment."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return probe.getsockname()[1]


def http_status(port: int, path: str, *, method: str = "GET", timeout: float = 10) -> int | None:
    """Sends a request to this machine and returns the response's status, or None without a response."""
    response = http_response(port, path, method=method, timeout=timeout)
    return None if response is None else response[0]


def http_response(port: int, path: str, *, method: str = "GET", timeout: float = 10) -> tuple[int, bytes] | None:
    """Sends a request to this machine and returns the response's status and body, or None without a response."""
    connection = http.client.HTTPConnection(HOST, port, timeout=timeout)
    try:
        connection.request(method, path, headers={"Content-Length": "0"} if method != "GET" else {})
        response = connection.getresponse()
        return response.status, response.read()
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()


def _read_number(environ: Mapping[str, str], name: str, minimum: int, maximum: int) -> int | None:
    value = environ.get(name)
    if not value:
        return None
    if not (value.isascii() and value.isdecimal() and len(value) <= 5 and minimum <= int(value) <= maximum):
        raise Problem(
            f"{name} is {value[:20]!r}, which is not a number from {minimum} to {maximum}",
            f"Set {name} to such a number, or unset it.",
        )
    return int(value)

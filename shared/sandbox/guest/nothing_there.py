"""What CPython would ask of its surroundings: answered here, or refused in Python's own words."""

from __future__ import annotations

import os
import select
import socket
from typing import Any, NoReturn

_USER = 1000


def _no_socket(*_arguments: Any, **_named: Any) -> NoReturn:
    raise OSError("There are no sockets here. Use `http_client` or `httpx.AsyncClient()`.")


def _no_process(*_arguments: Any, **_named: Any) -> NoReturn:
    raise OSError("There are no processes here.")


def _user() -> int:
    return _USER


for _name in ("getuid", "geteuid", "getgid", "getegid"):
    setattr(os, _name, _user)
for _name in ("system", "popen", "kill", "fork", "execv", "execve"):
    setattr(os, _name, _no_process)
for _name in ("__init__", "connect", "connect_ex", "bind", "listen", "accept", "sendto"):
    setattr(socket.socket, _name, _no_socket)
for _name in ("create_connection", "create_server", "getaddrinfo", "gethostbyname", "socketpair"):
    setattr(socket, _name, _no_socket)
for _name in ("select", "poll"):  # what waits for sockets ends the run otherwise
    setattr(select, _name, _no_socket)

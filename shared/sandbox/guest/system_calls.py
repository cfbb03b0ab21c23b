"""Replaces functions that call the operating system with ones that return constants or raise `OSError`."""

from __future__ import annotations

import os
import select
import socket
from typing import Any, NoReturn

_USER_ID = 1000


def _refuse_socket(*_arguments: Any, **_named: Any) -> NoReturn:
    raise OSError("Sockets are not available here. Use `http_client` or `httpx.AsyncClient()`.")


def _refuse_process(*_arguments: Any, **_named: Any) -> NoReturn:
    raise OSError("Processes are not available here.")


def _get_user() -> int:
    return _USER_ID


for _name in ("getuid", "geteuid", "getgid", "getegid"):
    setattr(os, _name, _get_user)
for _name in ("system", "popen", "kill", "fork", "execv", "execve"):
    setattr(os, _name, _refuse_process)
for _name in ("__init__", "connect", "connect_ex", "bind", "listen", "accept", "sendto"):
    setattr(socket.socket, _name, _refuse_socket)
for _name in ("create_connection", "create_server", "getaddrinfo", "gethostbyname", "socketpair"):
    setattr(socket, _name, _refuse_socket)
for _name in ("select", "poll"):  # otherwise, waiting for sockets would end the run
    setattr(select, _name, _refuse_socket)

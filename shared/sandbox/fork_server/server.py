"""Forks workers, kills them on request, and reports how they ended."""

import os
import select
import signal
import socket
import sys
from typing import Any

from . import CONTROL
from .worker import Worker


class ForkServer:
    """Serves the control socket. Every forked process continues as `worker`."""

    def __init__(self, control: socket.socket, worker: Worker) -> None:
        self._control = control
        self._worker = worker
        self._wake_pipe = (-1, -1)
        self._numbers: dict[int, int] = {}
        """The numbers of the running workers, by process id."""

    def serve(self) -> None:
        """Serves requests until the service closes the control socket. Then kills all workers."""
        reader, writer = self._wake_pipe = os.pipe()
        os.set_blocking(writer, False)
        os.set_blocking(reader, False)
        signal.signal(signal.SIGCHLD, _wake)
        signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
        self._send(b"R", 0, 0)
        while True:
            ready, _, _ = select.select([self._control, reader], [], [])
            if reader in ready:
                os.read(reader, 4096)
                self._reap()
            if self._control in ready:
                data, descriptors, _, _ = socket.recv_fds(self._control, CONTROL.size, 1, socket.MSG_WAITALL)
                if len(data) < CONTROL.size:
                    break
                kind, number, memory_bytes = CONTROL.unpack(data)
                if kind == b"F":
                    self._fork(number, memory_bytes, descriptors[0])
                else:
                    self._kill(number)
        for number in list(self._numbers.values()):
            self._kill(number)

    def _fork(self, number: int, memory_bytes: int, descriptor: int) -> None:
        parent = os.getpid()
        try:
            pid = os.fork()
        except OSError:
            os.close(descriptor)
            self._send(b"E", number, 0)
            return
        if pid:
            os.close(descriptor)
            self._numbers[pid] = number
            return
        try:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            # wasmtime's memory image stays open
            for inherited in (self._control.fileno(), *self._wake_pipe):
                os.close(inherited)
            self._worker.serve(descriptor, memory_bytes, parent)
        except BaseException as error:  # an internal error, which contains no text from a guest
            sys.stderr.write(f"A worker failed: {type(error).__name__}: {str(error)[:300]}\n")
            sys.stderr.flush()
        finally:
            os._exit(1)

    def _kill(self, number: int) -> None:
        """Kills the worker. If it has already ended, its process id has not been reused, as it is not reaped yet."""
        for pid, other in self._numbers.items():
            if other == number:
                os.kill(pid, signal.SIGKILL)

    def _reap(self) -> None:
        while self._numbers:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if not pid:
                return
            self._send(b"E", self._numbers.pop(pid), status)

    def _send(self, kind: bytes, number: int, status: int) -> None:
        self._control.sendall(CONTROL.pack(kind, number, status))


def _wake(_signal: int, _frame: Any) -> None:
    """Does nothing: the signal only needs to wake `select`."""

"""A worker process, from the service's side: the frames to it and from it, until its run has ended.

`shared.sandbox.fork_server` describes the frames.
"""

import asyncio
import json
import os
import signal
import socket
from dataclasses import dataclass

from shared.sandbox import fork_server
from shared.sandbox.messages import MAX_BYTES

_LEAVING_SECONDS = 0.5
"""For which a run that has sent its last message may go on."""
_EXIT_SECONDS = 5.0
"""How late the fork server may report the end of a process whose socket is closed."""
_CHUNK_BYTES = 2**16
"""Read from the socket at a time. No memory is allocated for what has not arrived."""
_GUEST, _WORKER = b"GW"


class Gone(Exception):
    """The worker has ended, or has sent what it may not send."""


class Refused(Gone):
    """The worker has sent what it may not send. Its process may still be alive."""


@dataclass(frozen=True)
class Start:
    """What a worker needs to know of a run. See `shared.sandbox.fork_server.surroundings` for `seed` and `clock`."""

    cpu_seconds: float
    seed: bytes
    clock: int | None = None

    def frame(self) -> bytes:
        """The payload of the first frame."""
        return json.dumps({"cpu_seconds": self.cpu_seconds, "seed": self.seed.hex(), "clock": self.clock}).encode()


class Worker:
    """A process that waits for a program. `over`: how its run ended, if not well."""

    def __init__(self, number: int, ended: "asyncio.Future[int]", line: socket.socket) -> None:
        self.number = number
        self.ended = ended
        self.over: str | None = None
        self.runs = 0
        self._line = line
        self._received = bytearray()

    @property
    def alive(self) -> bool:
        """Whether its process has not ended yet, as far as is known."""
        return not self.ended.done()

    async def receive(self) -> bytes:
        """The guest's next message. Raises `Gone`."""
        who, data = await self._frame()
        if who == _GUEST:
            return data
        self.over = data.decode()
        raise Gone("Its run has ended.")

    async def _frame(self) -> tuple[int, bytes]:
        length = int.from_bytes(await self._read(4), "big")
        if not 0 < length <= MAX_BYTES + 1:
            raise Refused("It sent a frame of an invalid length.")
        data = await self._read(length)
        return data[0], data[1:]

    async def _read(self, length: int) -> bytes:
        loop = asyncio.get_running_loop()
        while len(self._received) < length:
            try:
                data = await loop.sock_recv(self._line, _CHUNK_BYTES)
            except OSError as error:
                raise Gone("It has ended.") from error
            if not data:
                raise Gone("It has ended.")
            self._received += data
        read = bytes(self._received[:length])
        del self._received[:length]
        return read

    async def begin(self, start: Start) -> None:
        """Begins a run. Raises `Gone`."""
        self.runs += 1
        await self._write(start.frame())

    async def send(self, data: bytes, waited: float = 0) -> None:
        """Sends a message to the guest, whose clock advances by `waited` seconds. Raises `Gone`."""
        await self._write(int(waited * 1e9).to_bytes(8, "big") + data)

    async def _write(self, data: bytes) -> None:
        try:
            await asyncio.get_running_loop().sock_sendall(self._line, len(data).to_bytes(4, "big") + data)
        except OSError as error:
            raise Gone("It has ended.") from error

    async def ending(self, gone: Gone) -> str:
        """How its run ended, by its last frame or its exit code; empty if neither says so. It takes no other run."""
        if self.over is None:
            self.over = "" if isinstance(gone, Refused) else await self._by_exit()
        return self.over

    async def _by_exit(self) -> str:
        try:
            async with asyncio.timeout(_EXIT_SECONDS):
                status = await asyncio.shield(self.ended)
        except TimeoutError:
            return ""
        if os.WIFSIGNALED(status):
            return "seconds" if os.WTERMSIG(status) == signal.SIGXCPU else ""
        code = os.WEXITSTATUS(status) if os.WIFEXITED(status) else None
        return next((how.decode() for how, number in fork_server.EXITS.items() if number == code), "")

    async def leave(self) -> bool:
        """Waits for the end of a run that has sent its last message. Whether the worker can take another run.

        It cannot if the guest has sent anything more.
        """
        if self.over is not None or not self.alive:
            return False
        try:
            async with asyncio.timeout(_LEAVING_SECONDS):
                who, data = await self._frame()
                return who == _WORKER and data == b"well"
        except (Gone, TimeoutError):
            return False

    def close(self) -> None:
        """Closes the socket at once and drops unsent data. Tasks that use it must have been cancelled before."""
        if self._line.fileno() >= 0:
            loop = asyncio.get_running_loop()
            loop.remove_reader(self._line)
            loop.remove_writer(self._line)
            self._line.close()

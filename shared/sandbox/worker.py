"""The service's side of a worker process: sends frames to it and receives its frames.

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

_FINISH_SECONDS = 0.5
"""How long a run may continue after it has sent its last message."""
_EXIT_SECONDS = 5.0
"""How long the fork server may take to report the end of a process whose socket has been closed."""
_CHUNK_BYTES = 2**16
"""The maximum number of bytes that are read from the socket at a time. Memory is allocated only for received data."""
_LENGTH_BYTES = 4
_GUEST, _WORKER = b"GW"
_ENDED_WELL = _WORKER, b"well"


class WorkerFailed(Exception):
    """The worker cannot continue its run: it has ended, or has violated the protocol."""


class ProtocolViolation(WorkerFailed):
    """The worker has sent something that the protocol does not allow. Its process may still be alive."""


@dataclass(frozen=True)
class Start:
    """A worker's parameters for a run. See `shared.sandbox.fork_server.run_environment` for `seed` and `clock`."""

    cpu_seconds: float
    seed: bytes
    clock: int | None = None

    def frame(self) -> bytes:
        """Returns the payload of the first frame."""
        return json.dumps({"cpu_seconds": self.cpu_seconds, "seed": self.seed.hex(), "clock": self.clock}).encode()


class Worker:
    """A process that runs programs. `ending`: how its last run ended, if that run failed and the reason is known."""

    def __init__(self, number: int, ended: "asyncio.Future[int]", sock: socket.socket) -> None:
        self.number = number
        self.ended = ended
        self.ending: str | None = None
        self.runs = 0
        self._socket = sock
        self._received = bytearray()
        self._unsent = b""

    @property
    def alive(self) -> bool:
        """Whether the worker is still running, as far as this process knows."""
        return not self.ended.done()

    async def receive(self) -> bytes:
        """Returns the guest's next message. Raises `WorkerFailed`."""
        sender, data = await self._read_frame()
        if sender == _GUEST:
            return data
        self.ending = data.decode()
        raise WorkerFailed("The worker's run has ended.")

    async def _read_frame(self) -> tuple[int, bytes]:
        loop = asyncio.get_running_loop()
        while (frame := self._take_frame()) is None:
            try:
                chunk = await loop.sock_recv(self._socket, _CHUNK_BYTES)
            except OSError as error:
                raise WorkerFailed("The worker has ended.") from error
            if not chunk:
                raise WorkerFailed("The worker has ended.")
            self._received += chunk
        return frame

    def _take_frame(self) -> tuple[int, bytes] | None:
        """Removes the first received frame. Returns its sender and its data; None if it has not arrived completely."""
        if len(self._received) < _LENGTH_BYTES:
            return None
        end = _LENGTH_BYTES + int.from_bytes(self._received[:_LENGTH_BYTES], "big")
        if not 0 < end - _LENGTH_BYTES <= MAX_BYTES + 1:
            raise ProtocolViolation("The worker sent a frame of an invalid length.")
        if len(self._received) < end:
            return None
        frame = self._received[_LENGTH_BYTES], bytes(self._received[_LENGTH_BYTES + 1 : end])
        del self._received[:end]
        return frame

    def start_run(self, start: Start) -> None:
        """Starts a run. The first frame is sent together with the first message to the guest."""
        self.runs += 1
        self._unsent = _encode_frame(start.frame())

    async def send(self, data: bytes, waited: int = 0) -> None:
        """Sends a message to the guest, whose clock advances by `waited` nanoseconds. Raises `WorkerFailed`."""
        frames = self._unsent + _encode_frame(waited.to_bytes(8, "big") + data)
        self._unsent = b""
        try:
            await asyncio.get_running_loop().sock_sendall(self._socket, frames)
        except OSError as error:
            raise WorkerFailed("The worker has ended.") from error

    async def find_ending(self, error: WorkerFailed) -> str:
        """Returns how the run ended, according to the last frame or the exit code; empty if neither shows it.

        The worker cannot take another run.
        """
        if self.ending is None:
            self.ending = "" if isinstance(error, ProtocolViolation) else await self._find_ending_by_exit()
        return self.ending

    async def _find_ending_by_exit(self) -> str:
        try:
            async with asyncio.timeout(_EXIT_SECONDS):
                status = await asyncio.shield(self.ended)
        except TimeoutError:
            return ""
        if os.WIFSIGNALED(status):
            return "seconds" if os.WTERMSIG(status) == signal.SIGXCPU else ""
        code = os.WEXITSTATUS(status) if os.WIFEXITED(status) else None
        return next((ending.decode() for ending, number in fork_server.EXIT_CODES.items() if number == code), "")

    def has_finished_run(self) -> bool | None:
        """Like `finish_run`, but does not wait. Returns None if the run has not ended yet."""
        if self.ending is not None or not self.alive:
            return False
        try:
            frame = self._take_frame()
        except ProtocolViolation:
            return False
        return None if frame is None else frame == _ENDED_WELL

    async def finish_run(self) -> bool:
        """Waits until a run that has sent its last message ends. Returns whether the worker can take another run.

        The worker cannot take another run if the guest has sent anything after that message.
        """
        if self.ending is not None or not self.alive:
            return False
        try:
            async with asyncio.timeout(_FINISH_SECONDS):
                return await self._read_frame() == _ENDED_WELL
        except (WorkerFailed, TimeoutError):
            return False

    def close(self) -> None:
        """Closes the socket immediately, and drops unsent data. Tasks that use the socket must be cancelled first."""
        if self._socket.fileno() >= 0:
            loop = asyncio.get_running_loop()
            loop.remove_reader(self._socket)
            loop.remove_writer(self._socket)
            self._socket.close()


def _encode_frame(payload: bytes) -> bytes:
    return len(payload).to_bytes(_LENGTH_BYTES, "big") + payload

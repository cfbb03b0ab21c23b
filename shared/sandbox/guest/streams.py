"""The streams that `open` returns: classes of `io` for the descriptors of files in memory."""

from __future__ import annotations

import io
from typing import Any

from shared.sandbox.guest.descriptors import Descriptors


class RawFile(io.RawIOBase):
    """`io.FileIO` for a descriptor. `closes`: whether closing the stream closes the descriptor."""

    def __init__(self, descriptors: Descriptors, descriptor: int, name: object, mode: str, closes: bool) -> None:
        self._descriptors = descriptors
        self._descriptor = descriptor
        self._closes = closes
        self.name = name
        self.mode = mode

    def fileno(self) -> int:
        self._check()
        return self._descriptor

    def isatty(self) -> bool:
        self._check()
        return False

    def readable(self) -> bool:
        self._check()
        return self._descriptors.open_file(self._descriptor).readable

    def writable(self) -> bool:
        self._check()
        return self._descriptors.open_file(self._descriptor).writable

    def seekable(self) -> bool:
        self._check()
        return True

    def readinto(self, buffer: Any, /) -> int:
        self._check()
        if not self.readable():
            raise io.UnsupportedOperation("not readable")
        view = memoryview(buffer).cast("B")
        data = self._descriptors.read(self._descriptor, len(view))
        view[: len(data)] = data
        return len(data)

    def write(self, data: Any, /) -> int:
        self._check()
        if not self.writable():
            raise io.UnsupportedOperation("not writable")
        return self._descriptors.write(self._descriptor, data)

    def seek(self, offset: int, whence: int = 0, /) -> int:
        self._check()
        return self._descriptors.lseek(self._descriptor, offset, whence)

    def tell(self) -> int:
        return self.seek(0, 1)

    def truncate(self, size: int | None = None, /) -> int:
        self._check()
        size = self.tell() if size is None else size
        self._descriptors.ftruncate(self._descriptor, size)
        return size

    def close(self) -> None:
        if not self.closed:
            super().close()
            if self._closes:
                self._descriptors.close(self._descriptor)

    def _check(self) -> None:
        if self.closed:
            raise ValueError("I/O operation on closed file")


def check_mode(mode: Any, encoding: str | None, errors: str | None, newline: str | None) -> None:
    """Raises the errors that `open` raises for invalid combinations of arguments."""
    if not isinstance(mode, str):
        raise TypeError(f"open() argument 'mode' must be str, not {type(mode).__name__}")
    if set(mode) - set("rwxabt+") or len(mode) > len(set(mode)):
        raise ValueError(f"invalid mode: {mode!r}")
    if "t" in mode and "b" in mode:
        raise ValueError("can't have text and binary mode at once")
    if len(set(mode) & set("rwxa")) != 1:
        raise ValueError("must have exactly one of create/read/write/append mode")
    for name, value in (("encoding", encoding), ("errors", errors), ("newline", newline)):
        if "b" in mode and value is not None:
            raise ValueError(f"binary mode doesn't take {'an' if name[0] == 'e' else 'a'} {name} argument")


def make_stream(
    raw: RawFile, mode: str, buffering: int, encoding: str | None, errors: str | None, newline: str | None
) -> Any:
    """Returns the stream that `open` returns for these arguments, which `check_mode` has checked."""
    binary = "b" in mode
    if buffering == 0:
        if not binary:
            raise ValueError("can't have unbuffered text I/O")
        return raw
    size = io.DEFAULT_BUFFER_SIZE if buffering < 2 else buffering
    buffer: Any
    if "+" in mode:
        buffer = io.BufferedRandom(raw, size)
    elif "r" in mode:
        buffer = io.BufferedReader(raw, size)
    else:
        buffer = io.BufferedWriter(raw, size)
    if binary:
        return buffer
    text = io.TextIOWrapper(buffer, encoding or "utf-8", errors, newline, buffering == 1)
    text.mode = mode  # type: ignore[misc]
    return text

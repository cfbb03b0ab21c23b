"""Descriptors of files in memory, and the functions of `os` for descriptors, with the same names and errors."""

from __future__ import annotations

import errno
import os
from typing import Any

from shared.sandbox.guest.tree import File, Node, make_os_error

_FIRST_DESCRIPTOR = 3
_MAX_DESCRIPTORS = 1024


class OpenFile:
    """The open file that a descriptor refers to."""

    def __init__(self, node: Node, flags: int) -> None:
        self.node = node
        self.flags = flags
        self.position = 0

    @property
    def readable(self) -> bool:
        return self.flags & os.O_ACCMODE in (os.O_RDONLY, os.O_RDWR)

    @property
    def writable(self) -> bool:
        return self.flags & os.O_ACCMODE in (os.O_WRONLY, os.O_RDWR)


class Descriptors:
    """The table of open files."""

    def __init__(self) -> None:
        self._open_files: dict[int, OpenFile] = {}

    def open_file(self, descriptor: int) -> OpenFile:
        """Returns the open file. Raises `OSError` if the descriptor is not open."""
        file = self._open_files.get(descriptor)
        if file is None:
            raise make_os_error(errno.EBADF)
        return file

    def add(self, file: OpenFile, path: Any = None) -> int:
        """Assigns the first free descriptor to `file` and returns it. `path`: for the error if none is free."""
        for descriptor in range(_FIRST_DESCRIPTOR, _MAX_DESCRIPTORS):
            if descriptor not in self._open_files:
                self._open_files[descriptor] = file
                return descriptor
        raise make_os_error(errno.EMFILE, path)

    # The functions of `os`, with their names

    def close(self, descriptor: int) -> None:
        self.open_file(descriptor)
        del self._open_files[descriptor]

    def closerange(self, low: int, high: int) -> None:
        for descriptor in [each for each in self._open_files if low <= each < high]:
            del self._open_files[descriptor]

    def dup(self, descriptor: int) -> int:
        return self.add(self.open_file(descriptor))

    def read(self, descriptor: int, length: int) -> bytes:
        file = self.open_file(descriptor)
        if not isinstance(file.node, File):
            raise make_os_error(errno.EISDIR)
        if not file.readable:
            raise make_os_error(errno.EBADF)
        data = bytes(file.node.data[file.position : file.position + length])
        file.position += len(data)
        return data

    def write(self, descriptor: int, data: Any) -> int:
        file = self.open_file(descriptor)
        if not file.writable or not isinstance(file.node, File):
            raise make_os_error(errno.EBADF)
        view = memoryview(data).cast("B")
        content = file.node.data
        if file.flags & os.O_APPEND:
            file.position = len(content)
        if file.position > len(content):
            content.extend(bytes(file.position - len(content)))
        content[file.position : file.position + len(view)] = view
        file.position += len(view)
        file.node.touch()
        return len(view)

    def lseek(self, descriptor: int, offset: int, whence: int) -> int:
        file = self.open_file(descriptor)
        size = len(file.node.data) if isinstance(file.node, File) else 0
        start = {os.SEEK_SET: 0, os.SEEK_CUR: file.position, os.SEEK_END: size}.get(whence)
        if start is None or start + offset < 0:
            raise make_os_error(errno.EINVAL)
        file.position = start + offset
        return file.position

    def ftruncate(self, descriptor: int, length: int) -> None:
        file = self.open_file(descriptor)
        if not file.writable or not isinstance(file.node, File) or length < 0:
            raise make_os_error(errno.EINVAL)
        content = file.node.data
        del content[length:]
        content.extend(bytes(length - len(content)))
        file.node.touch()

    def fsync(self, descriptor: Any) -> None:
        self.open_file(descriptor)

    def isatty(self, descriptor: int) -> bool:
        return False

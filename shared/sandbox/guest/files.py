"""Files in memory: a tree of the run's own, behind `open` and what `os` has for files.

The component has no file system, so CPython's own functions find nothing anywhere. These take their place, as far as
the standard library and agents use them: paths, directories, descriptors; no links, no permissions, no locks. What a
run writes counts as memory of the run, and is gone with it.
"""

from __future__ import annotations

import builtins
import errno
import io
import os
import shutil
import stat
import time
from collections.abc import Iterator
from typing import Any

_HOME = "/home/agent"
_FIRST_DESCRIPTOR = 3
_MOST_DESCRIPTORS = 1024
_NAMES = 255


class _Node:
    def __init__(self, number: int) -> None:
        self.number = number
        self.changed = time.time_ns()


class _Folder(_Node):
    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.entries: dict[str, _Node] = {}


class _Data(_Node):
    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.data = bytearray()


class _Open:
    """What a descriptor stands for."""

    def __init__(self, node: _Node, flags: int) -> None:
        self.node = node
        self.flags = flags
        self.position = 0

    @property
    def readable(self) -> bool:
        return self.flags & os.O_ACCMODE in (os.O_RDONLY, os.O_RDWR)

    @property
    def writable(self) -> bool:
        return self.flags & os.O_ACCMODE in (os.O_WRONLY, os.O_RDWR)


def _error(number: int, path: object = None, other: object = None) -> OSError:
    if path is None:
        return OSError(number, os.strerror(number))
    if other is None:
        return OSError(number, os.strerror(number), path)
    return OSError(number, os.strerror(number), path, None, other)


class Entry:
    """`os.DirEntry`."""

    def __init__(self, files: Files, folder: str, name: str) -> None:
        self._files = files
        self.name = name
        self.path = os.path.join(folder, name)

    def __fspath__(self) -> str:
        return self.path

    def __repr__(self) -> str:
        return f"<DirEntry {self.name!r}>"

    def is_dir(self, *, follow_symlinks: bool = True) -> bool:
        return self._files.kind(self.path) is _Folder

    def is_file(self, *, follow_symlinks: bool = True) -> bool:
        return self._files.kind(self.path) is _Data

    def is_symlink(self) -> bool:
        return False

    def is_junction(self) -> bool:
        return False

    def stat(self, *, follow_symlinks: bool = True) -> os.stat_result:
        return self._files.stat(self.path)

    def inode(self) -> int:
        return self._files.stat(self.path).st_ino


class _Entries:
    """What `os.scandir` gives."""

    def __init__(self, entries: list[Entry]) -> None:
        self._entries = iter(entries)

    def __iter__(self) -> Iterator[Entry]:
        return self

    def __next__(self) -> Entry:
        return next(self._entries)

    def __enter__(self) -> _Entries:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._entries = iter(())


class Raw(io.RawIOBase):
    """`io.FileIO` over a descriptor."""

    def __init__(self, files: Files, descriptor: int, name: object, mode: str, closes: bool) -> None:
        self._files = files
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
        return self._files.opened(self._descriptor).readable

    def writable(self) -> bool:
        self._check()
        return self._files.opened(self._descriptor).writable

    def seekable(self) -> bool:
        self._check()
        return True

    def readinto(self, buffer: Any, /) -> int:
        self._check()
        if not self.readable():
            raise io.UnsupportedOperation("not readable")
        view = memoryview(buffer).cast("B")
        data = self._files.read(self._descriptor, len(view))
        view[: len(data)] = data
        return len(data)

    def write(self, data: Any, /) -> int:
        self._check()
        if not self.writable():
            raise io.UnsupportedOperation("not writable")
        return self._files.write(self._descriptor, data)

    def seek(self, offset: int, whence: int = 0, /) -> int:
        self._check()
        return self._files.lseek(self._descriptor, offset, whence)

    def tell(self) -> int:
        return self.seek(0, 1)

    def truncate(self, size: int | None = None, /) -> int:
        self._check()
        size = self.tell() if size is None else size
        self._files.ftruncate(self._descriptor, size)
        return size

    def close(self) -> None:
        if not self.closed:
            super().close()
            if self._closes:
                self._files.close(self._descriptor)

    def _check(self) -> None:
        if self.closed:
            raise ValueError("I/O operation on closed file")


class Files:
    """The tree, and its descriptors."""

    def __init__(self) -> None:
        self._numbers = 1
        self._root = self._made(_Folder)
        self._opened: dict[int, _Open] = {}
        self._current = "/"
        for path in ("/tmp", "/home", _HOME):  # noqa: S108 - the run's own
            self.mkdir(path)
        self._current = _HOME

    def _made(self, kind: type[Any]) -> Any:
        self._numbers += 1
        return kind(self._numbers)

    def _parts(self, path: Any) -> list[str]:
        text = os.fsdecode(path)
        if "\0" in text:
            raise ValueError("embedded null byte")
        if not text:
            raise _error(errno.ENOENT, path)
        parts: list[str] = []
        for part in (text if text.startswith("/") else f"{self._current}/{text}").split("/"):
            if len(part.encode("utf-8", "surrogateescape")) > _NAMES:
                raise _error(errno.ENAMETOOLONG, path)
            if part == "..":
                del parts[-1:]
            elif part not in ("", "."):
                parts.append(part)
        return parts

    def _find(self, path: Any) -> _Node | None:
        """None where it is not; raises what is wrong on the way to it."""
        if isinstance(path, int):
            return self.opened(path).node
        node: _Node = self._root
        parts = self._parts(path)
        for number, part in enumerate(parts):
            if not isinstance(node, _Folder):
                raise _error(errno.ENOTDIR, path)
            found = node.entries.get(part)
            if found is None:
                if number == len(parts) - 1:
                    return None
                raise _error(errno.ENOENT, path)
            node = found
        if os.fsdecode(path).endswith("/") and not isinstance(node, _Folder):
            raise _error(errno.ENOTDIR, path)
        return node

    def _there(self, path: Any) -> _Node:
        node = self._find(path)
        if node is None:
            raise _error(errno.ENOENT, path)
        return node

    def _folder_of(self, path: Any) -> tuple[_Folder, str]:
        parts = self._parts(path)
        if not parts:
            raise _error(errno.EBUSY, path)
        folder = self._there("/" + "/".join(parts[:-1]))
        if not isinstance(folder, _Folder):
            raise _error(errno.ENOTDIR, path)
        return folder, parts[-1]

    def kind(self, path: Any) -> type[_Node] | None:
        try:
            node = self._find(path)
        except OSError:
            return None
        return None if node is None else type(node)

    def opened(self, descriptor: int) -> _Open:
        found = self._opened.get(descriptor)
        if found is None:
            raise _error(errno.EBADF)
        return found

    # What `os` has, by its names.

    def open(self, path: Any, flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> int:
        node = self._find(path)
        if node is None:
            if not flags & os.O_CREAT:
                raise _error(errno.ENOENT, path)
            if os.fsdecode(path).endswith("/"):
                raise _error(errno.EISDIR, path)
            folder, name = self._folder_of(path)
            node = folder.entries[name] = self._made(_Data)
            folder.changed = time.time_ns()
        elif flags & os.O_CREAT and flags & os.O_EXCL:
            raise _error(errno.EEXIST, path)
        elif isinstance(node, _Folder) and flags & os.O_ACCMODE != os.O_RDONLY:
            raise _error(errno.EISDIR, path)
        if flags & getattr(os, "O_DIRECTORY", 0) and not isinstance(node, _Folder):
            raise _error(errno.ENOTDIR, path)
        opened = _Open(node, flags)
        if flags & os.O_TRUNC and opened.writable and isinstance(node, _Data):
            node.data.clear()
            node.changed = time.time_ns()
        return self._numbered(opened, path)

    def _numbered(self, opened: _Open, path: Any = None) -> int:
        for descriptor in range(_FIRST_DESCRIPTOR, _MOST_DESCRIPTORS):
            if descriptor not in self._opened:
                self._opened[descriptor] = opened
                return descriptor
        raise _error(errno.EMFILE, path)

    def close(self, descriptor: int) -> None:
        self.opened(descriptor)
        del self._opened[descriptor]

    def closerange(self, low: int, high: int) -> None:
        for descriptor in [each for each in self._opened if low <= each < high]:
            del self._opened[descriptor]

    def dup(self, descriptor: int) -> int:
        return self._numbered(self.opened(descriptor))

    def read(self, descriptor: int, length: int) -> bytes:
        opened = self.opened(descriptor)
        if not isinstance(opened.node, _Data):
            raise _error(errno.EISDIR)
        if not opened.readable:
            raise _error(errno.EBADF)
        data = bytes(opened.node.data[opened.position : opened.position + length])
        opened.position += len(data)
        return data

    def write(self, descriptor: int, data: Any) -> int:
        opened = self.opened(descriptor)
        if not opened.writable or not isinstance(opened.node, _Data):
            raise _error(errno.EBADF)
        view = memoryview(data).cast("B")
        held = opened.node.data
        if opened.flags & os.O_APPEND:
            opened.position = len(held)
        if opened.position > len(held):
            held.extend(bytes(opened.position - len(held)))
        held[opened.position : opened.position + len(view)] = view
        opened.position += len(view)
        opened.node.changed = time.time_ns()
        return len(view)

    def lseek(self, descriptor: int, offset: int, whence: int) -> int:
        opened = self.opened(descriptor)
        size = len(opened.node.data) if isinstance(opened.node, _Data) else 0
        start = {os.SEEK_SET: 0, os.SEEK_CUR: opened.position, os.SEEK_END: size}.get(whence)
        if start is None or start + offset < 0:
            raise _error(errno.EINVAL)
        opened.position = start + offset
        return opened.position

    def ftruncate(self, descriptor: int, length: int) -> None:
        opened = self.opened(descriptor)
        if not opened.writable or not isinstance(opened.node, _Data) or length < 0:
            raise _error(errno.EINVAL)
        held = opened.node.data
        del held[length:]
        held.extend(bytes(length - len(held)))
        opened.node.changed = time.time_ns()

    def truncate(self, path: Any, length: int) -> None:
        descriptor = path if isinstance(path, int) else self.open(path, os.O_WRONLY)
        try:
            self.ftruncate(descriptor, length)
        finally:
            if descriptor is not path:
                self.close(descriptor)

    def fsync(self, descriptor: Any) -> None:
        self.opened(descriptor)

    def isatty(self, descriptor: int) -> bool:
        return False

    def stat(self, path: Any, *, dir_fd: int | None = None, follow_symlinks: bool = True) -> os.stat_result:
        node = self._there(path)
        folder = isinstance(node, _Folder)
        mode = stat.S_IFDIR | 0o755 if folder else stat.S_IFREG | 0o644
        size = len(node.data) if isinstance(node, _Data) else 0
        seconds = node.changed // 10**9
        whole = (mode, node.number, 1, 2 if folder else 1, 1000, 1000, size, seconds, seconds, seconds)
        exact = {f"st_{name}time": node.changed / 1e9 for name in "amc"}
        return os.stat_result(whole, {**exact, **{f"st_{name}time_ns": node.changed for name in "amc"}})

    def lstat(self, path: Any, *, dir_fd: int | None = None) -> os.stat_result:
        return self.stat(path)

    def fstat(self, descriptor: int) -> os.stat_result:
        return self.stat(descriptor)

    def access(self, path: Any, mode: int, **_: Any) -> bool:
        return self.kind(path) is not None

    def listdir(self, path: Any = ".") -> list[Any]:
        node = self._there(path)
        if not isinstance(node, _Folder):
            raise _error(errno.ENOTDIR, path)
        names = list(node.entries)
        return [os.fsencode(name) for name in names] if isinstance(path, bytes) else names

    def scandir(self, path: Any = ".") -> _Entries:
        folder = os.fsdecode(path) if not isinstance(path, int) else "."
        return _Entries([Entry(self, folder, os.fsdecode(name)) for name in self.listdir(path)])

    def mkdir(self, path: Any, mode: int = 0o777, *, dir_fd: int | None = None) -> None:
        if self._find(path) is not None:
            raise _error(errno.EEXIST, path)
        folder, name = self._folder_of(path)
        folder.entries[name] = self._made(_Folder)
        folder.changed = time.time_ns()

    def rmdir(self, path: Any, *, dir_fd: int | None = None) -> None:
        node = self._there(path)
        if not isinstance(node, _Folder):
            raise _error(errno.ENOTDIR, path)
        if node.entries:
            raise _error(errno.ENOTEMPTY, path)
        folder, name = self._folder_of(path)
        del folder.entries[name]

    def unlink(self, path: Any, *, dir_fd: int | None = None) -> None:
        node = self._there(path)
        if isinstance(node, _Folder):
            raise _error(errno.EISDIR, path)
        folder, name = self._folder_of(path)
        del folder.entries[name]

    def rename(self, source: Any, target: Any, *, src_dir_fd: int | None = None, dst_dir_fd: int | None = None) -> None:
        node, there = self._there(source), self._find(target)
        if there is node:
            return
        if isinstance(node, _Folder) and self._parts(target)[: len(self._parts(source))] == self._parts(source):
            raise _error(errno.EINVAL, source, target)
        if isinstance(there, _Folder):
            if not isinstance(node, _Folder):
                raise _error(errno.EISDIR, source, target)
            if there.entries:
                raise _error(errno.ENOTEMPTY, source, target)
        elif there is not None and isinstance(node, _Folder):
            raise _error(errno.ENOTDIR, source, target)
        folder, name = self._folder_of(source)
        into, as_name = self._folder_of(target)
        del folder.entries[name]
        into.entries[as_name] = node

    def getcwd(self) -> str:
        return self._current

    def chdir(self, path: Any) -> None:
        node = self._there(path)
        if not isinstance(node, _Folder):
            raise _error(errno.ENOTDIR, path)
        self._current = "/" + "/".join(self._parts(path))

    def utime(self, path: Any, times: Any = None, *, ns: Any = None, **_: Any) -> None:
        node = self._there(path)
        node.changed = ns[1] if ns else int(times[1] * 10**9) if times else time.time_ns()

    def chmod(self, path: Any, mode: int, **_: Any) -> None:
        self._there(path)

    # `open`, as `io` has it.

    def open_file(
        self,
        file: Any,
        mode: str = "r",
        buffering: int = -1,
        encoding: str | None = None,
        errors: str | None = None,
        newline: str | None = None,
        closefd: bool = True,
        opener: Any = None,
    ) -> Any:
        if not isinstance(file, int):
            file = os.fspath(file)
        if not isinstance(mode, str):  # pyright: ignore[reportUnnecessaryIsInstance] - agent code calls it
            raise TypeError(f"open() argument 'mode' must be str, not {type(mode).__name__}")
        kinds = [kind for kind in mode if kind in "rwxa"]
        if set(mode) - set("rwxabt+") or len(mode) > len(set(mode)):
            raise ValueError(f"invalid mode: {mode!r}")
        if "t" in mode and "b" in mode:
            raise ValueError("can't have text and binary mode at once")
        if len(kinds) != 1:
            raise ValueError("must have exactly one of create/read/write/append mode")
        binary = "b" in mode
        for name, value in (("encoding", encoding), ("errors", errors), ("newline", newline)):
            if binary and value is not None:
                raise ValueError(f"binary mode doesn't take {'an' if name[0] == 'e' else 'a'} {name} argument")
        access = os.O_RDWR if "+" in mode else os.O_RDONLY if kinds == ["r"] else os.O_WRONLY
        extra = {"r": 0, "w": os.O_CREAT | os.O_TRUNC, "x": os.O_CREAT | os.O_EXCL, "a": os.O_CREAT | os.O_APPEND}
        if isinstance(file, int):
            descriptor = file
            self.opened(file)
        elif opener is not None:
            descriptor = opener(file, access | extra[kinds[0]])
        else:
            if self.kind(file) is _Folder:
                raise _error(errno.EISDIR, file)
            descriptor = self.open(file, access | extra[kinds[0]])
        if kinds == ["a"]:
            self.lseek(descriptor, 0, os.SEEK_END)
        raw = Raw(self, descriptor, file, mode.replace("t", "").replace("b", "") + "b", closefd)
        if buffering == 0:
            if not binary:
                raise ValueError("can't have unbuffered text I/O")
            return raw
        size = io.DEFAULT_BUFFER_SIZE if buffering < 2 else buffering
        buffer: Any
        if "+" in mode:
            buffer = io.BufferedRandom(raw, size)
        elif kinds == ["r"]:
            buffer = io.BufferedReader(raw, size)
        else:
            buffer = io.BufferedWriter(raw, size)
        if binary:
            return buffer
        text = io.TextIOWrapper(buffer, encoding or "utf-8", errors, newline, buffering == 1)
        text.mode = mode  # type: ignore[misc]
        return text


_OF_OS = (
    *("open", "close", "closerange", "dup", "read", "write", "lseek", "ftruncate", "truncate", "fsync", "isatty"),
    *("stat", "lstat", "fstat", "access", "listdir", "scandir", "mkdir", "rmdir", "unlink", "rename", "getcwd"),
    *("chdir", "utime", "chmod"),
)


def take_over() -> None:
    """From here on `open` and `os` know this tree, and nothing else."""
    import posix
    import sys

    files = Files()
    for name in _OF_OS:
        for module in (os, posix):
            setattr(module, name, getattr(files, name))
    for name, other in (("remove", files.unlink), ("replace", files.rename), ("fdatasync", files.fsync)):
        setattr(os, name, other)
        setattr(posix, name, other)
    shutil._use_fd_functions = False  # pyright: ignore
    setattr(os, "getcwdb", lambda: os.fsencode(files.getcwd()))  # noqa: B010
    builtins.open = io.open = files.open_file  # type: ignore[assignment]
    for module in list(sys.modules.values()):  # that have taken it by name, as `tokenize` has
        if getattr(module, "open", None) is _open:
            setattr(module, "open", files.open_file)  # noqa: B010
    sys.modules["_io"].open = files.open_file  # type: ignore[attr-defined]


_open = builtins.open

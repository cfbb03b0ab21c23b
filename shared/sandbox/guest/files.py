"""Implements `open` and the functions of `os` for files in memory.

The component has no file system, so CPython's own functions find no files. These functions replace the ones for paths,
directories and descriptors that the standard library and agents use. Written files count towards the run's memory, and
disappear when the run ends.
"""

from __future__ import annotations

import builtins
import errno
import io
import os
import shutil
import time
from collections.abc import Iterator
from typing import Any

from shared.sandbox.guest.descriptors import Descriptors, OpenFile
from shared.sandbox.guest.streams import RawFile, check_mode, make_stream
from shared.sandbox.guest.tree import File, Folder, Node, Tree, make_os_error, make_stat_result

_HOME = "/home/agent"
_FOLDERS = ("/tmp", "/home", _HOME)  # noqa: S108 - only the run uses this folder
_builtin_open = builtins.open


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
        return self._files.kind(self.path) is Folder

    def is_file(self, *, follow_symlinks: bool = True) -> bool:
        return self._files.kind(self.path) is File

    def is_symlink(self) -> bool:
        return False

    def is_junction(self) -> bool:
        return False

    def stat(self, *, follow_symlinks: bool = True) -> os.stat_result:
        return self._files.stat(self.path)

    def inode(self) -> int:
        return self._files.stat(self.path).st_ino


class _Entries:
    """The iterator that `os.scandir` returns."""

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


class Files(Descriptors):
    """The functions of `os` for paths, with the same names and errors, and `open`."""

    def __init__(self) -> None:
        super().__init__()
        self._tree = Tree()
        for path in _FOLDERS:
            self.mkdir(path)
        self._tree.current = _HOME

    def kind(self, path: Any) -> type[Node] | None:
        """Returns `Folder` or `Data`, or None if the path does not exist. `path` may be a descriptor."""
        try:
            node = self._find(path)
        except OSError:
            return None
        return None if node is None else type(node)

    def _find(self, path: Any) -> Node | None:
        return self.open_file(path).node if isinstance(path, int) else self._tree.find(path)

    def _require(self, path: Any) -> Node:
        node = self._find(path)
        if node is None:
            raise make_os_error(errno.ENOENT, path)
        return node

    def _require_folder(self, path: Any) -> Folder:
        node = self._require(path)
        if not isinstance(node, Folder):
            raise make_os_error(errno.ENOTDIR, path)
        return node

    # The functions of `os`, with their names

    def open(self, path: Any, flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> int:
        node = self._find(path)
        if node is None:
            if not flags & os.O_CREAT:
                raise make_os_error(errno.ENOENT, path)
            if os.fsdecode(path).endswith("/"):
                raise make_os_error(errno.EISDIR, path)
            folder, name = self._tree.find_parent(path)
            node = folder.entries[name] = self._tree.create(File)
            folder.touch()
        elif flags & os.O_CREAT and flags & os.O_EXCL:
            raise make_os_error(errno.EEXIST, path)
        elif isinstance(node, Folder) and flags & os.O_ACCMODE != os.O_RDONLY:
            raise make_os_error(errno.EISDIR, path)
        if flags & getattr(os, "O_DIRECTORY", 0) and not isinstance(node, Folder):
            raise make_os_error(errno.ENOTDIR, path)
        file = OpenFile(node, flags)
        if flags & os.O_TRUNC and file.writable and isinstance(node, File):
            node.data.clear()
            node.touch()
        return self.add(file, path)

    def truncate(self, path: Any, length: int) -> None:
        descriptor = path if isinstance(path, int) else self.open(path, os.O_WRONLY)
        try:
            self.ftruncate(descriptor, length)
        finally:
            if descriptor is not path:
                self.close(descriptor)

    def stat(self, path: Any, *, dir_fd: int | None = None, follow_symlinks: bool = True) -> os.stat_result:
        return make_stat_result(self._require(path))

    def lstat(self, path: Any, *, dir_fd: int | None = None) -> os.stat_result:
        return self.stat(path)

    def fstat(self, descriptor: int) -> os.stat_result:
        return self.stat(descriptor)

    def access(self, path: Any, mode: int, **_: Any) -> bool:
        return self.kind(path) is not None

    def listdir(self, path: Any = ".") -> list[Any]:
        names = list(self._require_folder(path).entries)
        return [os.fsencode(name) for name in names] if isinstance(path, bytes) else names

    def scandir(self, path: Any = ".") -> _Entries:
        folder = os.fsdecode(path) if not isinstance(path, int) else "."
        return _Entries([Entry(self, folder, os.fsdecode(name)) for name in self.listdir(path)])

    def mkdir(self, path: Any, mode: int = 0o777, *, dir_fd: int | None = None) -> None:
        if self._find(path) is not None:
            raise make_os_error(errno.EEXIST, path)
        folder, name = self._tree.find_parent(path)
        folder.entries[name] = self._tree.create(Folder)
        folder.touch()

    def rmdir(self, path: Any, *, dir_fd: int | None = None) -> None:
        if self._require_folder(path).entries:
            raise make_os_error(errno.ENOTEMPTY, path)
        folder, name = self._tree.find_parent(path)
        del folder.entries[name]

    def unlink(self, path: Any, *, dir_fd: int | None = None) -> None:
        if isinstance(self._require(path), Folder):
            raise make_os_error(errno.EISDIR, path)
        folder, name = self._tree.find_parent(path)
        del folder.entries[name]

    def rename(self, source: Any, target: Any, *, src_dir_fd: int | None = None, dst_dir_fd: int | None = None) -> None:
        node, replaced = self._require(source), self._find(target)
        if replaced is node:
            return
        parts = self._tree.parts(source)
        if isinstance(node, Folder) and self._tree.parts(target)[: len(parts)] == parts:
            raise make_os_error(errno.EINVAL, source, target)
        if isinstance(replaced, Folder):
            if not isinstance(node, Folder):
                raise make_os_error(errno.EISDIR, source, target)
            if replaced.entries:
                raise make_os_error(errno.ENOTEMPTY, source, target)
        elif replaced is not None and isinstance(node, Folder):
            raise make_os_error(errno.ENOTDIR, source, target)
        folder, name = self._tree.find_parent(source)
        new_folder, new_name = self._tree.find_parent(target)
        del folder.entries[name]
        new_folder.entries[new_name] = node

    def getcwd(self) -> str:
        return self._tree.current

    def chdir(self, path: Any) -> None:
        self._require_folder(path)
        self._tree.current = "/" + "/".join(self._tree.parts(path))

    def utime(self, path: Any, times: Any = None, *, ns: Any = None, **_: Any) -> None:
        node = self._require(path)
        node.changed = ns[1] if ns else int(times[1] * 10**9) if times else time.time_ns()

    def chmod(self, path: Any, mode: int, **_: Any) -> None:
        self._require(path)

    def open_stream(
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
        """Implements `open`."""
        if not isinstance(file, int):
            file = os.fspath(file)
        check_mode(mode, encoding, errors, newline)
        kind = next(letter for letter in mode if letter in "rwxa")
        access = os.O_RDWR if "+" in mode else os.O_RDONLY if kind == "r" else os.O_WRONLY
        extra = {"r": 0, "w": os.O_CREAT | os.O_TRUNC, "x": os.O_CREAT | os.O_EXCL, "a": os.O_CREAT | os.O_APPEND}
        if isinstance(file, int):
            descriptor = file
            self.open_file(file)
        elif opener is not None:
            descriptor = opener(file, access | extra[kind])
        else:
            if self.kind(file) is Folder:
                raise make_os_error(errno.EISDIR, file)
            descriptor = self.open(file, access | extra[kind])
        if kind == "a":
            self.lseek(descriptor, 0, os.SEEK_END)
        raw = RawFile(self, descriptor, file, mode.replace("t", "").replace("b", "") + "b", closefd)
        return make_stream(raw, mode, buffering, encoding, errors, newline)


_OS_FUNCTIONS = (
    *("open", "close", "closerange", "dup", "read", "write", "lseek", "ftruncate", "truncate", "fsync", "isatty"),
    *("stat", "lstat", "fstat", "access", "listdir", "scandir", "mkdir", "rmdir", "unlink", "rename", "getcwd"),
    *("chdir", "utime", "chmod"),
)


def install() -> None:
    """Makes `open` and `os` use only files in memory."""
    import posix
    import sys

    files = Files()
    for name in _OS_FUNCTIONS:
        for module in (os, posix):
            setattr(module, name, getattr(files, name))
    for name, function in (("remove", files.unlink), ("replace", files.rename), ("fdatasync", files.fsync)):
        setattr(os, name, function)
        setattr(posix, name, function)
    shutil._use_fd_functions = False  # pyright: ignore
    setattr(os, "getcwdb", lambda: os.fsencode(files.getcwd()))  # noqa: B010
    builtins.open = io.open = files.open_stream  # type: ignore[assignment]
    for module in list(sys.modules.values()):  # modules such as `tokenize` import `open` by name
        if getattr(module, "open", None) is _builtin_open:
            setattr(module, "open", files.open_stream)  # noqa: B010
    sys.modules["_io"].open = files.open_stream  # type: ignore[attr-defined]

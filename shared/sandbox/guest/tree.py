"""A run's tree of files and folders in memory. It has no links, permissions or locks."""

from __future__ import annotations

import errno
import os
import stat
import time
from typing import Any, TypeVar

_MAX_NAME_BYTES = 255


class Node:
    """A file or folder. `number`: its inode number. `changed`: the time of its last change, in ns since 1970."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.changed = time.time_ns()

    def touch(self) -> None:
        """Sets the time of the last change to the current time."""
        self.changed = time.time_ns()


class Folder(Node):
    """A folder. `entries`: its files and folders, by name."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.entries: dict[str, Node] = {}


class File(Node):
    """A file."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.data = bytearray()


_N = TypeVar("_N", Folder, File)


def make_os_error(number: int, path: object = None, other: object = None) -> OSError:
    """Returns the exception that `os` raises for this error number."""
    if path is None:
        return OSError(number, os.strerror(number))
    if other is None:
        return OSError(number, os.strerror(number), path)
    return OSError(number, os.strerror(number), path, None, other)


def make_stat_result(node: Node) -> os.stat_result:
    """Returns the result of `os.stat`."""
    is_folder = isinstance(node, Folder)
    mode = stat.S_IFDIR | 0o755 if is_folder else stat.S_IFREG | 0o644
    size = len(node.data) if isinstance(node, File) else 0
    seconds = node.changed // 10**9
    whole = (mode, node.number, 1, 2 if is_folder else 1, 1000, 1000, size, seconds, seconds, seconds)
    exact = {f"st_{name}time": node.changed / 1e9 for name in "amc"}
    return os.stat_result(whole, {**exact, **{f"st_{name}time_ns": node.changed for name in "amc"}})


class Tree:
    """The tree. `current`: the path of the current folder."""

    def __init__(self) -> None:
        self._numbers = 1
        self._root = self.create(Folder)
        self.current = "/"

    def create(self, kind: type[_N]) -> _N:
        """Creates a node, which is not in any folder yet."""
        self._numbers += 1
        return kind(self._numbers)

    def parts(self, path: Any) -> list[str]:
        """Splits a path into names, from the root on. Raises `OSError` or `ValueError` if the path is not valid."""
        text = os.fsdecode(path)
        if "\0" in text:
            raise ValueError("embedded null byte")
        if not text:
            raise make_os_error(errno.ENOENT, path)
        parts: list[str] = []
        for part in (text if text.startswith("/") else f"{self.current}/{text}").split("/"):
            if len(part.encode("utf-8", "surrogateescape")) > _MAX_NAME_BYTES:
                raise make_os_error(errno.ENAMETOOLONG, path)
            if part == "..":
                del parts[-1:]
            elif part not in ("", "."):
                parts.append(part)
        return parts

    def find(self, path: Any) -> Node | None:
        """Finds a node. Returns None if only the path's last part is missing. Raises `OSError` for other errors."""
        node: Node = self._root
        parts = self.parts(path)
        for number, part in enumerate(parts):
            if not isinstance(node, Folder):
                raise make_os_error(errno.ENOTDIR, path)
            found = node.entries.get(part)
            if found is None:
                if number == len(parts) - 1:
                    return None
                raise make_os_error(errno.ENOENT, path)
            node = found
        if os.fsdecode(path).endswith("/") and not isinstance(node, Folder):
            raise make_os_error(errno.ENOTDIR, path)
        return node

    def find_parent(self, path: Any) -> tuple[Folder, str]:
        """Returns the folder that contains the path's last part, and the name of that part, which need not exist."""
        parts = self.parts(path)
        if not parts:
            raise make_os_error(errno.EBUSY, path)
        parent = "/" + "/".join(parts[:-1])
        folder = self.find(parent)
        if folder is None:
            raise make_os_error(errno.ENOENT, parent)
        if not isinstance(folder, Folder):
            raise make_os_error(errno.ENOTDIR, path)
        return folder, parts[-1]

    def kind(self, path: Any) -> type[Node] | None:
        """Returns `Folder` or `Data`, or None if the path does not exist."""
        try:
            node = self.find(path)
        except OSError:
            return None
        return None if node is None else type(node)

"""Detects edits in the functions and in `shared/`, and restarts the functions.

The suite itself watches only its functions' folders, and ignores links and hidden folders. This module watches Python
sources, JSON data and the API page. It does not watch files that are read only at the start: changes to
`functions.yaml`, `firebase.json` and `.env` require a restart. The suite itself watches `firestore.rules`.
"""

from collections.abc import Iterator
from pathlib import Path

from local_platform.ports import http_status

WATCHED_FOLDERS = ("functions", "shared")
_SUFFIXES = {".py", ".json", ".html", ".js"}


class SourceWatch:
    """Reports the files below `root` that have been edited since the last report."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._reported = self._scan()
        self._unsettled: dict[Path, int] | None = None

    def find_edits(self) -> list[str]:
        """Returns the files that were changed, added or removed, once nothing has changed since the previous call."""
        current = self._scan()
        if current == self._reported:
            return []
        if current != self._unsettled:
            self._unsettled = current
            return []
        changed = {
            path for path in current.keys() | self._reported.keys() if current.get(path) != self._reported.get(path)
        }
        self._reported, self._unsettled = current, None
        return sorted(str(path.relative_to(self._root)) for path in changed)

    def _scan(self) -> dict[Path, int]:
        found: dict[Path, int] = {}
        for path in self._files():
            try:
                found[path] = path.stat().st_mtime_ns
            except OSError:
                continue  # the file was just removed
        return found

    def _files(self) -> Iterator[Path]:
        for name in WATCHED_FOLDERS:
            for path in (self._root / name).rglob("*"):
                if path.suffix in _SUFFIXES and not path.name.startswith("."):
                    yield path


def reload_functions(hub_port: int) -> bool:
    """Makes the suite end each process of a function once it is idle. Returns whether the request succeeded."""
    return http_status(hub_port, "/functions/enableBackgroundTriggers", method="PUT", timeout=30) == 200

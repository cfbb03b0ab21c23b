"""Notices edits of the functions and of `shared/`, and restarts the functions.

The suite watches its functions' folders itself, but neither through links nor below a hidden folder, and never
`shared/`. Python sources, JSON data and the API's page are watched. Files that are read only at the start are not:
`functions.yaml`, `firebase.json` and `.env` need a restart. The suite itself watches `firestore.rules`.
"""

from collections.abc import Iterator
from pathlib import Path

from local_platform.ports import http_status

WATCHED = ("functions", "shared")
_SUFFIXES = {".py", ".json", ".html", ".js"}


class SourceWatch:
    """Reports the files below `root` that have been edited since the last report."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._known = self._look()
        self._unsettled: dict[Path, int] | None = None

    def edited(self) -> list[str]:
        """Returns the files that were changed, added or removed, when nothing has changed since the previous call."""
        seen = self._look()
        if seen == self._known:
            return []
        if seen != self._unsettled:
            self._unsettled = seen
            return []
        changed = {path for path in seen.keys() | self._known.keys() if seen.get(path) != self._known.get(path)}
        self._known, self._unsettled = seen, None
        return sorted(str(path.relative_to(self._root)) for path in changed)

    def _look(self) -> dict[Path, int]:
        found: dict[Path, int] = {}
        for path in self._files():
            try:
                found[path] = path.stat().st_mtime_ns
            except OSError:
                continue  # removed just now
        return found

    def _files(self) -> Iterator[Path]:
        for name in WATCHED:
            for path in (self._root / name).rglob("*"):
                if path.suffix in _SUFFIXES and not path.name.startswith("."):
                    yield path


def reload_functions(hub_port: int) -> bool:
    """Ends every function's processes, busy ones after their request. Returns whether the suite did so."""
    return http_status(hub_port, "/functions/enableBackgroundTriggers", method="PUT", timeout=30) == 200

"""A dictionary with a limited number of entries, for what a process remembers about its callers."""

from typing import TypeVar

K = TypeVar("K")
V = TypeVar("V")
MAX_ENTRIES = 10_000


class BoundedDict(dict[K, V]):
    """Drops its oldest entry when a new key is set and `max_entries` are there. `setdefault` and `update` do not."""

    def __init__(self, max_entries: int = MAX_ENTRIES) -> None:
        super().__init__()
        self._max_entries = max_entries

    def __setitem__(self, key: K, value: V) -> None:
        if key not in self and len(self) >= self._max_entries:
            del self[next(iter(self))]
        super().__setitem__(key, value)

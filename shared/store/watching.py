"""Watches targets: spreads them over streams of Firestore's changes, of which each carries a limited number."""

from collections.abc import Generator
from contextlib import contextmanager

from google.cloud.firestore import AsyncClient

from shared.per_loop import per_loop
from shared.store.documents import uses_emulator
from shared.store.listening import Listener, Target

MAX_TARGETS = 100
"""The maximum number of targets on a stream. Firestore's documentation states no limit, so this one is cautious."""
MAX_EMULATOR_TARGETS = 1
"""The same in the emulator, which writes responses for different targets of one stream into each other."""


class Listeners:
    """The listeners of an event loop. Those without targets close themselves after a while, and are then dropped."""

    def __init__(self, client: AsyncClient) -> None:
        self._client = client
        self._max_targets = MAX_EMULATOR_TARGETS if uses_emulator(client) else MAX_TARGETS
        self._listeners: list[Listener] = []

    @property
    def open(self) -> list[Listener]:
        """The listeners that have a stream."""
        return [listener for listener in self._listeners if listener.is_open]

    @property
    def count(self) -> int:
        """How many targets are being watched."""
        return sum(listener.count for listener in self._listeners)

    @contextmanager
    def watch(self, target: Target) -> Generator[None]:
        """Watches the target in the block. One read per document of the target, and per change of one."""
        self._listeners = self.open
        listener = next((each for each in self._listeners if each.count < self._max_targets), None)
        if listener is None:
            listener = Listener(self._client)
            self._listeners.append(listener)
        with listener.watch(target):
            yield


@per_loop
def listeners(client: AsyncClient) -> Listeners:
    """Returns the running loop's listeners."""
    return Listeners(client)

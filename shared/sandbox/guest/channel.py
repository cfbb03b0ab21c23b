"""The channel to the host. A message is a line of JSON and a text. The guest sends at any time, the host when asked.

So neither side ever writes what the other does not read, and nothing arrives unexpectedly.
"""

from __future__ import annotations

from json import dumps, loads  # by name, as code may replace them in their modules
from time import monotonic
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable


class Channel:
    """`answers`: those that have arrived and have not been used yet, each with the number of its call."""

    def __init__(self, receive: Callable[[], str], write: Callable[[str], object]) -> None:
        self._receive = receive
        self._write = write
        self._calls = 0
        self._asked = 0.0
        self.under_way = 0
        self.answers: list[dict[str, Any]] = []

    def send(self, kind: str, text: str = "", **fields: Any) -> None:
        """Sends a message: see `shared.sandbox.messages`."""
        self._write(f"{dumps({'kind': kind, **fields})}\n{text}")

    def receive(self) -> Any:
        """The host's next message. Blocks."""
        return loads(self._receive())

    def call(self, function: str, arguments: str) -> int:
        """Sends a call. Returns its number, which its answer has, too. `arguments`: JSON."""
        self._calls += 1
        self.under_way += 1
        self.send("call", arguments, number=self._calls, function=function)
        return self._calls

    def wait(self, seconds: float | None) -> None:
        """Waits until an answer has arrived, at most so long. Blocks, which is not CPU time."""
        self.send("wait", seconds=seconds)
        answers: list[dict[str, Any]] = self.receive()["answers"]
        self.under_way -= len(answers)
        self.answers += answers

    def look(self) -> None:
        """Fetches answers without waiting; asks the host at most once in a millisecond."""
        if self.under_way and monotonic() - self._asked > 0.001:
            self.wait(0)
            self._asked = monotonic()

    def sleep(self, seconds: float) -> None:
        """Waits for the whole time, whatever arrives."""
        end = monotonic() + seconds
        while (left := end - monotonic()) > 0:
            self.wait(left)

"""The line to the host: messages of a line of JSON and a text; ours at any time, the host's in answer to `wait`.

So neither side ever writes what the other does not read, and nothing arrives in the middle of anything.
"""

from __future__ import annotations

from json import dumps, loads  # by name, as code may put its own in their modules
from time import monotonic
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable


class Channel:
    """`answers`: those that have arrived and were not taken yet, each with the number of its call."""

    def __init__(self, receive: Callable[[], str], write: Callable[[str], object]) -> None:
        self._receive = receive
        self._write = write
        self._calls = 0
        self._asked = 0.0
        self.under_way = 0
        self.answers: list[dict[str, Any]] = []

    def send(self, kind: str, text: str = "", **fields: Any) -> None:
        self._write(f"{dumps({'kind': kind, **fields})}\n{text}")

    def receive(self) -> Any:
        return loads(self._receive())

    def call(self, function: str, arguments: str) -> int:
        """The call's number, by which its answer is known. `arguments`: JSON."""
        self._calls += 1
        self.under_way += 1
        self.send("call", arguments, number=self._calls, function=function)
        return self._calls

    def wait(self, seconds: float | None) -> None:
        """Until an answer has arrived, at most so long. Gives the host the time that it is not computed in."""
        self.send("wait", seconds=seconds)
        answers: list[dict[str, Any]] = self.receive()["answers"]
        self.under_way -= len(answers)
        self.answers += answers

    def look(self) -> None:
        """Takes what has arrived, without waiting; asks no more than once in a millisecond."""
        if self.under_way and monotonic() - self._asked > 0.001:
            self.wait(0)
            self._asked = monotonic()

    def sleep(self, seconds: float) -> None:
        """Sleeps all of it, whatever arrives."""
        end = monotonic() + seconds
        while (left := end - monotonic()) > 0:
            self.wait(left)

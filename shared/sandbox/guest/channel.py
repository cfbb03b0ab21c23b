"""The channel to the host. A message is a line of JSON, followed by a text.

The guest may send at any time, but the host sends only on request. Each side therefore reads everything that the other
side writes, and no message arrives unexpectedly.
"""

from __future__ import annotations

from json import dumps, loads  # by name, as code may replace them in their modules
from time import monotonic
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable


class Channel:
    """The channel of one run. `answers`: the unused answers that have arrived, each with the number of its call."""

    def __init__(self, receive: Callable[[], str], write: Callable[[str], object]) -> None:
        self._receive = receive
        self._write = write
        self._calls = 0
        self._last_poll = 0.0
        self.in_progress = 0
        self.answers: list[dict[str, Any]] = []

    def send(self, kind: str, text: str = "", **fields: Any) -> None:
        """Sends a message: see `shared.sandbox.messages`."""
        self._write(f"{dumps({'kind': kind, **fields})}\n{text}")

    def receive(self) -> Any:
        """Waits for the host's next message and returns it. Blocks."""
        return loads(self._receive())

    def call(self, function: str, arguments: str, line: int = 0) -> int:
        """Sends a call, with its arguments as JSON text. Returns the call's number, which the answer repeats.

        `line`: the line of the code that makes the call.
        """
        self._calls += 1
        self.in_progress += 1
        self.send("call", arguments, number=self._calls, function=function, line=line)
        return self._calls

    def cancel(self, number: int) -> None:
        """Withdraws a call. It gets no answer."""
        self.in_progress -= 1
        self.send("cancel", number=number)

    def wait(self, seconds: float | None) -> None:
        """Waits until an answer arrives or the time is up. Blocks, without using CPU time."""
        self.send("wait", seconds=seconds)
        answers: list[dict[str, Any]] = self.receive()["answers"]
        self.in_progress -= len(answers)
        self.answers += answers

    def poll(self) -> None:
        """Fetches answers without waiting. Sends at most one request per millisecond."""
        if self.in_progress and monotonic() - self._last_poll > 0.001:
            self.wait(0)
            self._last_poll = monotonic()

    def sleep(self, seconds: float) -> None:
        """Waits for the full time, even if answers arrive."""
        end = monotonic() + seconds
        while (remaining := end - monotonic()) > 0:
            self.wait(remaining)

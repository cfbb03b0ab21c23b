"""What a run needs so that it can be continued after it stopped: a record of its calls, which outlives the process.

A program whose calls are answered from the record, in the recorded order and at the recorded times, takes the same way
again. The first call that the record does not know is made for real.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from pydantic import JsonValue

from shared.models.wire import JsonObject
from shared.sandbox.inside.calls import HostFunctions
from shared.sandbox.suspension import Suspension

Answer = dict[str, Any]
"""The answer to a call, for the guest: it has either a `value`, or an `error` with `message`, `kind` and `name`."""


class ReplayDiverged(Exception):
    """The program made another call than the one that was recorded. `args[0]` describes both, for the code's author."""


@dataclass(frozen=True)
class Moment:
    """When a call ended, as the program saw it: after how many of its waits, and at what time on its clock.

    `clock`: nanoseconds since 1970. No two calls of a program end at the same time.
    """

    waits: int
    clock: int


@dataclass(eq=False)
class Call:
    """A call that a program makes. `clock`: the time of the call on the program's clock, in nanoseconds since 1970.

    `line`: the line of the code that makes it, 0 if it is not known. `moment`: when it ended.
    """

    number: int
    function: str
    arguments: str
    line: int
    clock: int
    decide: Callable[[Call, int | None], Moment]
    moment: Moment | None = None

    def end(self, at: int | None = None) -> Moment:
        """Returns the moment at which the call ends. That is decided when this is called first.

        Called when the outcome is recorded. The program learns of the outcome only afterwards. `at`: an earlier time
        from which on the outcome was there, in nanoseconds since 1970.
        """
        if self.moment is None:
            self.moment = self.decide(self, at)
        return self.moment


@dataclass(frozen=True)
class RecordedCall:
    """The outcome of a call that was recorded. `cause`: see `CallFailed`."""

    answer: Answer
    moment: Moment
    cause: Exception | None = None


class Recorder(Protocol):
    """The record of one program."""

    @property
    def suspension(self) -> Suspension:
        """The state of the run that the program belongs to."""
        ...

    @property
    def seed(self) -> bytes:
        """Determines all random numbers of the program."""
        ...

    @property
    def clock(self) -> int:
        """When the program started, in nanoseconds since 1970."""
        ...

    @property
    def last_number(self) -> int:
        """The number of the last call of which anything was recorded before the program was started here."""
        ...

    @property
    def is_resumed(self) -> bool:
        """Whether the program was started before."""
        ...

    def find(self, call: Call) -> RecordedCall | None:
        """Returns the recorded outcome of the call. Raises `ReplayDiverged` if another call was recorded."""
        ...

    def host_functions(self, call: Call) -> HostFunctions:
        """Returns the functions that make the call for real. They may record its outcome themselves."""
        ...

    async def ask(
        self,
        call: Call,
        question: str,
        choices: list[str] | None,
        schema: JsonObject | None,
        timeout: float | None,
    ) -> JsonValue:
        """Asks a question, and returns the answer. While there is none, the run may be put aside."""
        ...

    def withdraw(self, call: Call) -> None:
        """Withdraws the question that the call asks."""
        ...

    def record(self, call: Call, answer: Answer, cause: Exception | None) -> Answer:
        """Records the call's outcome, unless a host function has done that. Returns the outcome that was recorded.

        Need not store it immediately.
        """
        ...

    def print(self, text: str, clock: int) -> None:
        """Records printed text. Ignores what was recorded before the program was started here."""
        ...

    def finish(self, clock: int) -> None:
        """Notes that the program has ended."""
        ...

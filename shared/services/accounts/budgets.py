"""What a run and all the agents that it calls may use together: time, calls, money."""

import asyncio
import time

from shared.models.money import CostBounds, to_dollars
from shared.models.wire import JsonObject


class BudgetSpent(Exception):
    """`args[0]` is a sentence for whoever wrote the code."""


MAX_ANSWER_BYTES = 32 * 1024 * 1024
"""Of HTTP answers, all together: they stay in memory until their run is over."""

MAX_CONNECTIONS = 20
"""To servers that strangers run, at a time: a run whose servers keep silent must not take everybody's connections."""


class Budget:
    """One for a chain of runs. `seconds` from now; `calls` of anything outside; `cost` in millionths of a dollar.

    `under_way`: the calls that are held for and billed as of now, by their holds' ids, and what their entries are to
    say. `over`: no other may begin. `connections`: to be entered around whatever is asked of a stranger's server.
    """

    def __init__(self, seconds: float, calls: int, cost: int) -> None:
        self.connections = asyncio.Semaphore(MAX_CONNECTIONS)
        self._bytes_left = MAX_ANSWER_BYTES
        self._ends = time.monotonic() + seconds
        self._calls = calls
        self._calls_left = calls
        self._cost = cost
        self._reserved = 0
        self.spent = 0
        self.under_way: dict[str, JsonObject] = {}
        self.over = False

    @property
    def seconds_left(self) -> float:
        return max(0.0, self._ends - time.monotonic())

    @property
    def calls_taken(self) -> int:
        """How many calls of anything outside were begun, or refused."""
        return self._calls - self._calls_left

    def take_call(self) -> None:
        """Counts a call. Raises `BudgetSpent` for one too many."""
        if self._calls_left <= 0:
            raise BudgetSpent(f"A run may make {self._calls} calls, with the agents that it calls; this was one more.")
        self._calls_left -= 1

    def take_bytes(self, size: int) -> None:
        """Counts an answer. Raises `BudgetSpent` for more than a run may read."""
        if size > self._bytes_left:
            raise BudgetSpent(
                f"A run may read {MAX_ANSWER_BYTES} bytes of HTTP answers, with the agents that it calls."
            )
        self._bytes_left -= size

    def reserve(self, bounds: CostBounds) -> int:
        """Sets aside what a call may cost at most, or what is left if that is less; returns it.

        Raises `BudgetSpent` when what is left does not cover a short answer.
        """
        left = self._cost - self.spent - self._reserved
        if bounds.most and left < max(1, bounds.least):
            raise BudgetSpent(
                f"A run may spend ${to_dollars(self._cost):g}, with the agents that it calls. This call may cost"
                f" ${to_dollars(bounds.least):g} before it is answered, and ${to_dollars(max(0, left)):g} is left."
            )
        reserved = min(bounds.most, max(0, left))
        self._reserved += reserved
        return reserved

    def spend(self, reserved: int, cost: int) -> None:
        """What a call cost really, in place of what was set aside for it."""
        self._reserved -= reserved
        self.spent += cost

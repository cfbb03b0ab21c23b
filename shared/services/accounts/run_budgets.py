"""Limits what a run may use, together with all the agents that it calls: time, calls, money."""

import asyncio
import time

from shared.models.money import CostBounds, to_dollars
from shared.models.wire import JsonObject


class BudgetSpent(Exception):
    """The run has used up its budget. `args[0]` is a sentence for the author of the code."""


MAX_ANSWER_BYTES = 32 * 1024 * 1024
"""Limit of all HTTP answers of a run together, which stay in memory until it is over."""

MAX_CONNECTIONS = 20
"""Connections of a run to other people's servers at a time: silent servers must not use up those of other runs."""


class Budget:
    """One for a chain of runs. `seconds`: from now. `calls`: of host functions. `cost`: millionths of a dollar.

    `under_way`: for calls that providers are billing now, by the ids of their holds, the metadata of their usage
    entries. `over`: no further call may begin. `connections`: to be held during each request to another server.
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
        """0 when the time is up."""
        return max(0.0, self._ends - time.monotonic())

    @property
    def calls_taken(self) -> int:
        """How many calls of host functions were begun, or refused."""
        return self._calls - self._calls_left

    def take_call(self) -> None:
        """Counts a call. Raises `BudgetSpent` when there are none left."""
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
        """Sets aside what a call may cost at most, or what is left if that is less; returns the amount.

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
        """Counts what a call has cost, in place of what was set aside for it."""
        self._reserved -= reserved
        self.spent += cost

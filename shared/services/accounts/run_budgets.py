"""Limits the time, calls and money that a run may use, together with all the agents that it calls."""

import asyncio
import time

from shared.models.money import CostBounds, to_dollars
from shared.models.wire import JsonObject


class BudgetSpent(Exception):
    """The run has used up its budget. `args[0]` is a message for the author of the code."""


MAX_RESPONSE_BYTES = 32 * 1024 * 1024
"""The maximum total size of a run's HTTP responses, which stay in memory until the run ends."""

MAX_CONNECTIONS = 20
"""The maximum number of a run's concurrent connections. Without it, a run that calls slow servers could use up the
connections of other runs."""


class Budget:
    """The budget of one chain of runs: `seconds` from now, `calls` of host functions, `cost` in millionths of a dollar.

    `under_way` maps the hold ids of calls that providers are billing now to the metadata of their usage entries.
    `over`: no further call may start. `connections` must be acquired for each request to another server.
    """

    def __init__(self, seconds: float, calls: int, cost: int) -> None:
        self.connections = asyncio.Semaphore(MAX_CONNECTIONS)
        self._bytes_left = MAX_RESPONSE_BYTES
        self._ends_at = time.monotonic() + seconds
        self._calls = calls
        self._calls_left = calls
        self._cost = cost
        self._reserved = 0
        self.spent = 0
        self.under_way: dict[str, JsonObject] = {}
        self.over = False

    @property
    def seconds_left(self) -> float:
        """The remaining time; 0 when the time is up."""
        return max(0.0, self._ends_at - time.monotonic())

    @property
    def calls_taken(self) -> int:
        """The number of host function calls that were started or refused."""
        return self._calls - self._calls_left

    def continue_with(self, calls: int, taken: int, spent: int) -> None:
        """Allows a run `calls` in all, and counts what it has used before. `spent`: millionths of a dollar."""
        self._calls, self._calls_left = calls, calls - taken
        self.spent += spent

    def take_call(self) -> None:
        """Counts a call. Raises `BudgetSpent` if there are none left."""
        if self._calls_left <= 0:
            raise BudgetSpent(f"A run and the agents that it calls may make at most {self._calls} calls.")
        self._calls_left -= 1

    def take_bytes(self, size: int) -> None:
        """Counts the bytes of a response. Raises `BudgetSpent` if the run has read too many."""
        if size > self._bytes_left:
            raise BudgetSpent(
                f"A run and the agents that it calls may read at most {MAX_RESPONSE_BYTES} bytes of HTTP responses."
            )
        self._bytes_left -= size

    def reserve(self, bounds: CostBounds) -> int:
        """Reserves the maximum cost of a call, or the remaining amount if that is less. Returns the amount.

        Raises `BudgetSpent` if the remaining amount does not cover a short answer.
        """
        remaining = self._cost - self.spent - self._reserved
        if bounds.maximum and remaining < max(1, bounds.minimum):
            raise BudgetSpent(
                f"A run and the agents that it calls may spend at most ${to_dollars(self._cost):g}. This call may cost"
                f" ${to_dollars(bounds.minimum):g} before it is answered, but only"
                f" ${to_dollars(max(0, remaining)):g} is left."
            )
        reserved = min(bounds.maximum, max(0, remaining))
        self._reserved += reserved
        return reserved

    def spend(self, reserved: int, cost: int) -> None:
        """Replaces the amount that was reserved for a call with its cost."""
        self._reserved -= reserved
        self.spent += cost

"""The points at which a worker can die or stall: between any two things that others may notice.

Those are each call of a host function, each commit to the database, and each task that is queued. A worker passes a
boundary before and after each of them.
"""

import os
import time
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import shared.services.chat.answering as answering
import shared.services.chat.lease as lease
import shared.store.transaction as transactions
from shared.services.agents.host_functions import RunHostFunctions

_HOST_FUNCTIONS = ("call_model", "http", "call_tool", "list_tools", "call_agent")


class Boundaries:
    """Counts the boundaries that a run passes, in all of its workers, and stops this process at some of them."""

    def __init__(self, trace: Path, stop_at: list[int], stop_signal: int) -> None:
        """`trace`: a file with a line for each boundary. `stop_at`: the numbers of the lines at which a worker stops.

        `stop_signal`: `SIGKILL`, or `SIGSTOP` for a worker that stalls until its lease has expired.
        """
        self._trace = trace
        self._stop_at = stop_at
        self._signal = stop_signal
        self._passed = len(trace.read_text().splitlines()) if trace.exists() else 0

    def pass_boundary(self, label: str) -> None:
        """Passes a boundary, unless the process stops here."""
        self._passed += 1
        with self._trace.open("a") as trace:
            trace.write(label + "\n")
        if self._passed in self._stop_at:
            os.kill(os.getpid(), self._signal)
            # The process goes on. It stalled for longer than its lease, as far as it knows.
            self._stop_at = []
            lease.time = SimpleNamespace(monotonic=lambda: time.monotonic() + 3600)  # pyright: ignore

    def install(self) -> None:
        """Puts boundaries around everything that others may notice, in this process."""
        for name in _HOST_FUNCTIONS:
            setattr(RunHostFunctions, name, self._surround(getattr(RunHostFunctions, name), name))
        transactions.commit = self._surround(transactions.commit, "commit", _describe)
        answering.enqueue_wake_up = self._surround(answering.enqueue_wake_up, "wake-up")

    def _surround(self, function: Any, name: str, describe: Callable[..., str] = lambda *_: "") -> Any:
        @wraps(function)
        async def surrounded(*args: Any) -> Any:
            label = name + describe(*args)
            self.pass_boundary(f"before {label}")
            try:
                result = await function(*args)
            except Exception:
                self.pass_boundary(f"after failed {label}")
                raise
            self.pass_boundary(f"after {label}")
            return result

        return surrounded


def _describe(_client: Any, writes: list[Any]) -> str:
    """Returns the names of the collections that a commit writes to."""
    names = [write.update.name or write.delete or write.transform.document for write in writes]
    return " of " + ", ".join(sorted({name.split("/")[-2] for name in names}))

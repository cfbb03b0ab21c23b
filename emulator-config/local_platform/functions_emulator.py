"""Sends requests to a suite's functions emulator: starts functions, calls the sweep, and counts requests under way."""

import json
import math
import os
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from local_platform import processes
from local_platform.environment import PROJECT
from local_platform.ports import HOST, http_response, http_status

REGION = "us-central1"
WARM_SECONDS = 60.0
"""How long to wait for the next function to start."""
_SLOWEST_FUNCTION = "worker"
"""The function that takes the longest to start, because it imports the most."""


class FunctionsEmulator:
    """The functions emulator that listens on `port` of this machine."""

    def __init__(self, port: int) -> None:
        self.port = port

    def url(self, name: str) -> str:
        """Returns a function's own address, which works even for private functions."""
        return f"http://{HOST}:{self.port}{_path(name)}"

    def warm(
        self,
        names: Sequence[str],
        cancelled: threading.Event | None = None,
        progress: Callable[[int], None] = lambda started: None,
    ) -> list[str]:
        """Starts the first process of each function in `names`, so that its first caller does not have to wait.

        The number of functions that start at a time is the number of cores. If all started at once, each would take
        longer than the suite waits for it. `progress` is called repeatedly with the number of functions that have
        started. Returns the names of those that have not, and returns early when `cancelled` is set.
        """
        started: list[str] = []
        last_start = time.monotonic()

        def call(name: str) -> None:
            nonlocal last_start
            if http_status(self.port, f"{_path(name)}/__warm", timeout=WARM_SECONDS) is not None:
                started.append(name)
                last_start = time.monotonic()

        pool = ThreadPoolExecutor(max_workers=max(2, os.cpu_count() or 1))
        calls = [pool.submit(call, name) for name in sorted(names, key=lambda name: name != _SLOWEST_FUNCTION)]

        def is_done() -> bool:
            is_stuck = time.monotonic() - last_start > WARM_SECONDS
            done = is_stuck or all(each.done() for each in calls)
            progress(len(started))
            return done

        processes.wait_for(is_done, math.inf, cancelled.is_set if cancelled is not None else lambda: False)
        pool.shutdown(wait=False, cancel_futures=True)
        return [name for name in names if name not in started]

    def sweep(self) -> bool:
        """Calls the sweep, as the scheduler does in the cloud, and returns whether it succeeded.

        The suite's queue loses its tasks when it ends. The sweep takes up the tickets that were waiting.
        """
        return http_status(self.port, _path("sweep"), method="POST", timeout=60) == 200

    def count_requests(self) -> int:
        """Returns the number of unanswered requests to functions, including the queue's, or 0 if it is unknown."""
        response = http_response(self.port, "/__under_way", timeout=5)
        if response is None or response[0] != 200:
            return 0
        return int(json.loads(response[1])["requests"])

    def wait_for_requests(self, seconds: float, interrupted: Callable[[], bool] = lambda: False) -> int:
        """Waits up to `seconds` for requests under way, or until `interrupted`, and returns how many have not ended.

        Data that is saved afterwards includes everything that the ended requests have written.
        """
        remaining = 0

        def is_done() -> bool:
            nonlocal remaining
            remaining = self.count_requests()
            return remaining == 0

        processes.wait_for(is_done, seconds, interrupted)
        return remaining


def _path(name: str) -> str:
    return f"/{PROJECT}/{REGION}/{name}"

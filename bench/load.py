"""The load generator. It runs in its own process (`bench.remote`)."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from bench.http import Connection, InvalidResponse, Pool, Response
from bench.watching import MeasurementFailed

_SHOWN_ERRORS = 20
RESPONSE_SECONDS = 30.0
"""How long a load may go on after its last request, before it fails."""
_SLOWEST_PER_SECOND = 10


class RequestsFailed(MeasurementFailed):
    """Some requests of a load got another response than 2xx, or none in time."""


@dataclass
class Load:
    """What a load did. Times are in seconds; `began` and `ended` are on the machine's monotonic clock.

    `latencies`: one for each 2xx response; `arrivals`: the times of these responses, counted from `began`. `errors`:
    the first of the other responses, each with its status and body; `failed` counts them all.
    """

    began: float = 0.0
    ended: float = 0.0
    latencies: list[float] = field(default_factory=list[float])
    arrivals: list[float] = field(default_factory=list[float])
    errors: list[str] = field(default_factory=list[str])
    failed: int = 0
    any_status: bool = False

    @property
    def per_second(self) -> float:
        """The rate of 2xx responses."""
        return len(self.latencies) / (self.ended - self.began)

    def check(self) -> "Load":
        """Returns the load itself. Raises `RequestsFailed` if any request failed."""
        if self.failed:
            raise RequestsFailed(
                f"{self.failed} of {self.failed + len(self.latencies)} requests failed: {self.errors[0]}"
            )
        return self

    def count(self, response: Response, sent: float) -> None:
        """Counts a response that has just arrived. `sent`: when its request was sent or due."""
        if response.succeeded or self.any_status:
            now = time.perf_counter()
            self.latencies.append(now - sent)
            self.arrivals.append(now - self.began)
        else:
            self.fail(f"{response.status} {response.body[:300].decode(errors='replace')}")

    def fail(self, error: str) -> None:
        """Counts a request without a 2xx response."""
        self.failed += 1
        if len(self.errors) < _SHOWN_ERRORS:
            self.errors.append(error)


class LoadGenerator:
    """Sends requests to functions on this machine."""

    async def stop(self) -> None:
        """Does nothing: each load closes its connections."""

    async def flood(self, port: int, clients: Sequence[Sequence[bytes]], seconds: float) -> Load:
        """Each client repeats its requests on one connection, one at a time, for this long."""
        load = Load()
        connections = [await Connection.open(port) for _ in clients]
        load.began = time.perf_counter()
        deadline = load.began + seconds

        async def send_requests(connection: Connection, requests: Sequence[bytes]) -> None:
            number = 0
            while time.perf_counter() < deadline:
                await _send(load, connection.send, requests[number % len(requests)])
                number += 1
                if not connection.is_open:
                    connection = await Connection.open(port)
            connection.close()

        await _finish(load, asyncio.gather(*map(send_requests, connections, clients)), seconds)
        return load

    async def send_at_once(self, port: int, requests: Sequence[bytes], at_once: int, any_status: bool = False) -> Load:
        """Sends each request once, `at_once` at a time, each on its own connection.

        With `any_status`, responses that are not 2xx count as well.
        """
        load = Load(any_status=any_status)
        connections = [await Connection.open(port) for _ in range(min(at_once, len(requests)))]
        waiting = list(reversed(requests))
        load.began = time.perf_counter()

        async def send_requests(connection: Connection) -> None:
            while waiting:
                request = waiting.pop()
                if not connection.is_open:
                    connection = await Connection.open(port)
                await _send(load, connection.send, request)
            connection.close()

        await _finish(load, asyncio.gather(*map(send_requests, connections)), len(requests) / _SLOWEST_PER_SECOND)
        return load

    async def arrive(self, port: int, requests: Sequence[bytes], per_second: float) -> Load:
        """Sends the requests at a fixed rate, whether or not earlier ones have been answered.

        A latency counts from the time at which the request was due.
        """
        load, pool = Load(), Pool(port)
        load.began = time.perf_counter()

        async def send_when_due(request: bytes, due: float) -> None:
            await asyncio.sleep(due - time.perf_counter())
            await _send(load, pool.send, request, due)

        dues = (load.began + number / per_second for number in range(len(requests)))
        await _finish(load, asyncio.gather(*map(send_when_due, requests, dues)), len(requests) / per_second)
        pool.close()
        return load


async def _finish(load: Load, requests: Awaitable[object], seconds: float = 0.0) -> None:
    """Waits for all requests, which are sent during `seconds`. Raises `RequestsFailed` if they take much longer.

    There is one time limit for all of them, as one for each would slow the client down.
    """
    try:
        async with asyncio.timeout(seconds + RESPONSE_SECONDS):
            await requests
    except TimeoutError:
        done = len(load.latencies) + load.failed
        raise RequestsFailed(
            f"after {time.perf_counter() - load.began:.0f} s, requests were still without a response ({done} had one)"
        ) from None
    load.ended = time.perf_counter()


async def _send(
    load: Load, send: Callable[[bytes], Awaitable[Response]], request: bytes, began: float | None = None
) -> None:
    began = time.perf_counter() if began is None else began
    try:
        response = await send(request)
    except (ConnectionError, InvalidResponse) as error:
        load.fail(f"{type(error).__name__}: {error}")
        await asyncio.sleep(0.01)
    else:
        load.count(response, began)

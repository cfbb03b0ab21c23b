"""Cloud Tasks: accepts tasks over gRPC, and delivers each one to a worker on arrival, without polling."""

import asyncio
import itertools
import json
import time
from collections import deque
from dataclasses import dataclass
from typing import Any

import grpc
from google.cloud.tasks_v2 import CreateTaskRequest

from bench.http import InvalidResponse, Pool, write_request

_RETRY_SECONDS = 1.0
_REQUEST: Any = type(CreateTaskRequest.pb(CreateTaskRequest()))  # the plain message, which is faster to parse


@dataclass
class Delivery:
    """A ticket's task. Times are on the machine's monotonic clock.

    `done`: the time of its 2xx response, None so far. `refusals`: the other responses' statuses; 0 for a lost
    connection.
    """

    ticket_id: str
    accepted: float
    done: float | None
    refusals: list[int]


def _serialize(task: Any) -> bytes:
    return task.SerializeToString()


class CloudTasks:
    """The server and its dispatcher. Without workers, it accepts tasks and drops them."""

    def __init__(self) -> None:
        self._names: set[str] = set()
        self._workers: list[Pool] = []
        self._next_worker = itertools.cycle([0])
        self._max_running = 0
        self._running: set[asyncio.Task[None]] = set()
        self._waiting: deque[tuple[Delivery, bytes]] = deque()
        self._deliveries: list[Delivery] = []
        self._unfinished = 0
        self._changed = asyncio.Event()
        self._server: grpc.aio.Server | None = None

    async def start(self) -> str:
        """Starts the server and returns its `host:port`."""
        self._server = grpc.aio.server()
        create = grpc.unary_unary_rpc_method_handler(
            self._create_task,
            request_deserializer=_REQUEST.FromString,
            response_serializer=_serialize,
        )
        handler = grpc.method_handlers_generic_handler("google.cloud.tasks.v2.CloudTasks", {"CreateTask": create})
        self._server.add_generic_rpc_handlers((handler,))
        port = self._server.add_insecure_port("127.0.0.1:0")
        await self._server.start()
        return f"127.0.0.1:{port}"

    async def stop(self) -> None:
        """Stops the server."""
        if self._server is not None:
            await self._server.stop(grace=None)

    async def deliver_to(self, ports: list[int], max_running: int) -> None:
        """Delivers tasks to these ports in turn, at most `max_running` at a time. Forgets earlier tasks."""
        for pool in self._workers:
            pool.close()
        self._workers = [Pool(port) for port in ports]
        self._next_worker = itertools.cycle(range(len(ports) or 1))
        self._max_running = max_running
        self._names.clear()
        self._waiting.clear()
        self._deliveries = []
        self._unfinished = 0

    async def wait_for(self, tickets: int, timeout: float) -> list[Delivery]:
        """Waits until this many tasks are done, and returns them all. Forgets them.

        Raises `TimeoutError` with the number of tasks that are done.
        """
        try:
            async with asyncio.timeout(timeout):
                while len(self._deliveries) < tickets or self._unfinished:
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            done = len(self._deliveries) - self._unfinished
            raise TimeoutError(f"{done} of {tickets} tasks were done after {timeout} s") from None
        deliveries, self._deliveries = self._deliveries, []
        return deliveries

    async def take_count(self) -> int:
        """Returns the number of tasks that were accepted since the last call. Forgets their names."""
        count = len(self._names)
        self._names.clear()
        return count

    async def _create_task(self, request: Any, context: Any) -> Any:
        task = request.task
        if task.name in self._names:
            await context.abort(grpc.StatusCode.ALREADY_EXISTS, "a task with this name exists")
        self._names.add(task.name)
        if self._workers:
            body: bytes = task.http_request.body
            delivery = Delivery(json.loads(body)["ticket_id"], time.perf_counter(), None, [])
            self._deliveries.append(delivery)
            self._unfinished += 1
            self._waiting.append((delivery, write_request("POST", "/", dict(task.http_request.headers), body)))
            self._dispatch()
        return task

    def _dispatch(self) -> None:
        while self._waiting and len(self._running) < self._max_running:
            task = asyncio.create_task(self._deliver(*self._waiting.popleft()))
            self._running.add(task)
            task.add_done_callback(self._end)

    def _end(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        self._dispatch()

    async def _deliver(self, delivery: Delivery, request: bytes) -> None:
        worker = self._workers[next(self._next_worker)]
        while delivery.done is None:
            try:
                response = await worker.send(request)
            except (ConnectionError, InvalidResponse):
                delivery.refusals.append(0)
            else:
                if response.succeeded:
                    delivery.done = time.perf_counter()
                    break
                delivery.refusals.append(response.status)
            await asyncio.sleep(_RETRY_SECONDS)
        self._unfinished -= 1
        self._changed.set()

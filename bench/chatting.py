"""Sends chats and waits until they are done, as a worker reports to the queue."""

import json
from collections.abc import Generator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from statistics import median

from bench.backends import Backends, start_backends
from bench.doubles.tasks import Delivery
from bench.http import write_request
from bench.load import Load
from bench.measurements.submission import CHAT
from bench.served import Served, serve_function
from bench.tokens import bearer
from bench.watching import MeasurementFailed

MAX_RUNNING = 250
"""The maximum number of tasks that the queue delivers at a time to each worker."""
MODEL_SECONDS = 1.0
_WAIT_SECONDS = 150.0


@dataclass(frozen=True)
class Chatted:
    """Some chats that are done.

    `seconds`: from the first request to the last completion. `refusals`: the number of deliveries that the workers
    refused. `submission_cpu` and `answering_cpu`: the CPU time per chat of the function `chat` and of all workers, in
    milliseconds.
    """

    seconds: float
    refusals: int
    submission_cpu: float
    answering_cpu: float


@dataclass(frozen=True)
class Chatting:
    """The running functions `chat` and `worker`."""

    backends: Backends
    chat: Served
    workers: Sequence[Served]

    def send(self, uids: Sequence[str], at_once: int) -> Chatted:
        """Sends a chat of each user, `at_once` at a time, and waits until all are done."""
        body = json.dumps(CHAT).encode()
        tokens = {uid: bearer(self.backends.project, uid) for uid in set(uids)}
        requests = [write_request("POST", "/chat", {"Authorization": tokens[uid]}, body) for uid in uids]
        before = self._measure_cpu()
        load: Load = self.backends.load.call("send_at_once", self.chat.port, requests, at_once)
        load.check()
        deliveries: list[Delivery] = self.backends.tasks.call("wait_for", len(uids), _WAIT_SECONDS)
        if len(deliveries) != len(uids):
            raise MeasurementFailed(f"{len(uids)} chats were accepted, but {len(deliveries)} tasks were queued.")
        submission, answering = (
            1000 * (now - then) / len(uids) for now, then in zip(self._measure_cpu(), before, strict=True)
        )
        ended = max(delivery.done or 0 for delivery in deliveries)
        refusals = sum(len(delivery.refusals) for delivery in deliveries)
        return Chatted(ended - load.began, refusals, submission, answering)

    def _measure_cpu(self) -> tuple[float, float]:
        return self.chat.total_cpu_seconds(), sum(worker.total_cpu_seconds() for worker in self.workers)


@contextmanager
def start_chatting(workers: int) -> Generator[Chatting]:
    """Starts the functions `chat` and `worker`, the latter in this many processes, and warms them up."""
    with ExitStack() as stack:
        backends = stack.enter_context(start_backends(APP_ENV="firebase", FIREBASE_AUTH_EMULATOR_HOST="127.0.0.1:1"))
        chat = stack.enter_context(serve_function("chat", backends.environ))
        started = [stack.enter_context(serve_function("worker", backends.environ)) for _ in range(workers)]
        backends.tasks.call("deliver_to", [worker.port for worker in started], workers * MAX_RUNNING)
        chatting = Chatting(backends, chat, started)
        chatting.send(["warm-up"] * 20, 1)
        yield chatting


def describe_cpu(chats: Sequence[Chatted]) -> str:
    """Returns the median CPU times as part of a note."""
    submission = median(each.submission_cpu for each in chats)
    answering = median(each.answering_cpu for each in chats)
    return f"CPU time per chat: {submission:.1f} ms to accept it, {answering:.1f} ms to answer it"

"""Sends chats and waits until they are done, as a worker reports to the queue."""

import json
from collections.abc import Generator, Sequence
from contextlib import ExitStack, contextmanager

from bench.backends import Backends, start_backends
from bench.doubles.tasks import Delivery
from bench.http import write_request
from bench.load import Load
from bench.measurements.submission import CHAT
from bench.served import Served, serve_function
from bench.tokens import bearer

MAX_RUNNING = 250
"""The maximum number of tasks that the queue delivers at a time to each worker."""
MODEL_SECONDS = 1.0
_WAIT_SECONDS = 150.0


@contextmanager
def start_chatting(workers: int) -> Generator[tuple[Backends, Served]]:
    """Starts the functions `chat` and `worker`, the latter in this many processes, and warms them up.

    Yields the backends and the function `chat`.
    """
    with ExitStack() as stack:
        backends = stack.enter_context(start_backends(APP_ENV="firebase", FIREBASE_AUTH_EMULATOR_HOST="127.0.0.1:1"))
        chat = stack.enter_context(serve_function("chat", backends.environ))
        ports = [stack.enter_context(serve_function("worker", backends.environ)).port for _ in range(workers)]
        backends.tasks.call("deliver_to", ports, workers * MAX_RUNNING)
        chat_all(backends, chat, ["warm-up"] * 20, 1)
        yield backends, chat


def chat_all(backends: Backends, chat: Served, uids: Sequence[str], at_once: int) -> tuple[float, int]:
    """Sends a chat of each user.

    Returns the seconds from the first request to the last completion, and the number of refused deliveries.
    """
    body = json.dumps(CHAT).encode()
    requests = [write_request("POST", "/chat", {"Authorization": bearer(backends.project, uid)}, body) for uid in uids]
    load: Load = backends.load.call("send_at_once", chat.port, requests, at_once)
    load.check()
    deliveries: list[Delivery] = backends.tasks.call("wait_for", len(uids), _WAIT_SECONDS)
    if len(deliveries) != len(uids):
        raise RuntimeError(f"{len(uids)} chats were accepted, but {len(deliveries)} tasks were queued.")
    ended = max(delivery.done or 0 for delivery in deliveries)
    return ended - load.began, sum(len(delivery.refusals) for delivery in deliveries)

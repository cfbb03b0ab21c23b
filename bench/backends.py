"""Starts what functions need: an empty Firestore emulator, and doubles and a load generator in their own processes."""

import os
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from uuid import uuid4

import psutil

from bench.doubles.model_server import ModelServer
from bench.doubles.tasks import CloudTasks
from bench.load import LoadGenerator
from bench.remote import Remote
from bench.watching import watch
from local_platform.firestore_emulator import firestore_emulator
from local_platform.layout import LAYOUT
from local_platform.processes import is_running
from shared.settings import Settings
from shared.store import Database

_NO_LIMITS = {
    "CHAT_RATE_PER_MINUTE": "0",
    "REST_RATE_PER_MINUTE": "0",
    "PUBLIC_RATE_PER_MINUTE": "0",
    "RUN_SECONDS_PER_MINUTE": "0",
    "MAX_WAITING_CHATS": "1000000",
    "AGENT_CHATS_AT_ONCE": "0",
    "MODEL_CHATS_AT_ONCE": "0",
    "DEFAULT_ALLOWANCE": "1000000",
    "DEPLOYMENT_BUDGET_PER_DAY": "10000",
}
"""The settings that lift the limits of each user, since the load of many users comes from few here."""


@dataclass(frozen=True)
class Backends:
    """The running services. `environ`: the environment of functions that use them."""

    environ: dict[str, str]
    tasks: Remote
    model: Remote
    load: Remote

    @property
    def project(self) -> str:
        """The project of the functions."""
        return self.environ["GOOGLE_CLOUD_PROJECT"]

    def database(self) -> Database:
        """Returns the functions' database, for the current event loop."""
        return Database(Settings.from_environ(self.environ))


@contextmanager
def start_backends(**settings: str) -> Generator[Backends]:
    """Starts everything, with an empty database and without limits per user. `settings` are more variables."""
    with ExitStack() as stack:
        emulator = {name: value for name, value in os.environ.items() if name != "FIRESTORE_EMULATOR_HOST"}
        host = stack.enter_context(firestore_emulator(environ=emulator))
        process = _find_emulator(host)
        stack.enter_context(watch("the Firestore emulator", lambda: not is_running(process)))
        before = os.environ.get("FIRESTORE_EMULATOR_HOST")
        os.environ["FIRESTORE_EMULATOR_HOST"] = host  # for the clients of this process
        stack.callback(_restore, "FIRESTORE_EMULATOR_HOST", before)
        tasks, model, load = (stack.enter_context(Remote(kind)) for kind in (CloudTasks, ModelServer, LoadGenerator))
        environ = {
            "FIRESTORE_EMULATOR_HOST": host,
            "CLOUD_TASKS_ENDPOINT": tasks.call("start"),
            "GOOGLE_CLOUD_PROJECT": f"demo-bench-{uuid4().hex[:8]}",
            "OPENAI_API_KEY": "sk-bench",
            "OPENAI_BASE_URL": model.call("start"),
            **_NO_LIMITS,
            **settings,
        }
        try:
            yield Backends(environ, tasks, model, load)
        except Exception as error:
            if not is_running(process):
                error.add_note(f"The emulator's log is {LAYOUT.local / 'firestore' / host.rpartition(':')[2]}.log.")
            raise


def _find_emulator(host: str) -> psutil.Process:
    """Returns the process that `firestore_emulator` has started."""
    port = host.rpartition(":")[2]
    return next(child for child in psutil.Process().children() if port in child.cmdline())


def _restore(name: str, value: str | None) -> None:
    if value is None:
        del os.environ[name]
    else:
        os.environ[name] = value

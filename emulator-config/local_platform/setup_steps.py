"""Installs everything that the suite and the tests need."""

import fcntl
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from local_platform.agents_python import ensure_agents_python
from local_platform.console import say, step
from local_platform.firestore_jar import FirestoreSource, choose_firestore, write_wrapper
from local_platform.jdk import Jdk, ensure_jdk
from local_platform.layout import Layout
from local_platform.node_tools import ensure_node_tools, ensure_test_clients
from local_platform.python_environment import ensure_model_env, ensure_venv
from local_platform.reading_page import ensure_api_page
from local_platform.tool import run_tool


@dataclass(frozen=True)
class Tools:
    """The tools that the suite runs on."""

    jdk: Jdk
    firestore: FirestoreSource


def wants_local_model(environ: Mapping[str, str]) -> bool:
    """Returns False if LOCAL_MODEL is off or LOCAL_MODEL_BASE_URL names another server."""
    return environ.get("LOCAL_MODEL", "").lower() not in ("off", "0", "no", "false") and not environ.get(
        "LOCAL_MODEL_BASE_URL"
    )


def set_up(layout: Layout, environ: Mapping[str, str], *, local_model: bool, tests: bool = False) -> Tools:
    """Installs and reports everything that is missing. If nothing is missing, it does almost nothing.

    `tests`: whether to install what only the tests need.

    Raises `Problem` if an installation fails.
    """
    with _setup_lock(layout):
        changed = ensure_venv(layout)
        changed |= ensure_node_tools(layout)
        changed |= ensure_api_page(layout)
        changed |= ensure_agents_python(layout)
        jdk = ensure_jdk(layout, environ)
        firestore = ensure_firestore(layout, environ, jdk)
        if tests:
            changed |= ensure_test_clients(layout)
        if local_model:
            changed |= ensure_model_env(layout)
    if changed:
        say(f"✓ Set up: Java {jdk.major} from {jdk.home}; {firestore.description}")
    return Tools(jdk, firestore)


def ensure_firestore(layout: Layout, environ: Mapping[str, str], jdk: Jdk) -> FirestoreSource:
    """Returns the Firestore emulator to use. If there is none, firebase-tools downloads its own."""
    host = environ.get("FIRESTORE_EMULATOR_HOST")
    source = choose_firestore(environ)
    if host and source.host is None:
        step(f"FIRESTORE_EMULATOR_HOST is {host}, but no emulator answers there: using {source.description}")
    if source.host is None and source.jar is None:
        run_tool(
            "Downloading the Firestore emulator (130 MB)",
            ["node", layout.firebase, "setup:emulators:firestore"],
            log=layout.setup_log,
            cwd=layout.local,
            environ={**environ, "JAVA_HOME": str(jdk.home)},
        )
        source = choose_firestore({name: value for name, value in environ.items() if name != "FIRESTORE_EMULATOR_HOST"})
    return source


def make_runnable_jar(layout: Layout, source: FirestoreSource) -> str | None:
    """Returns a jar that `java -jar` can start, for FIRESTORE_EMULATOR_BINARY_PATH, or None if it is not needed."""
    if source.jar is None or not source.needs_wrapper:
        return None
    return str(write_wrapper(source.jar, layout.local / "firestore-emulator.jar"))


@contextmanager
def _setup_lock(layout: Layout) -> Generator[None]:
    """Prevents two set-ups of one clone from undoing each other's work."""
    layout.local.mkdir(exist_ok=True)
    with (layout.local / "setup.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            step("Waiting for another set-up of this clone")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield

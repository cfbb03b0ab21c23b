"""Runs only the Firestore emulator, for tests that need no functions. It is ready in about two seconds."""

import os
import subprocess
from collections.abc import Generator, Mapping
from contextlib import contextmanager

from local_platform import processes
from local_platform.console import Problem
from local_platform.firestore_jar import MAIN_CLASS, FirestoreSource, choose_firestore, is_answering
from local_platform.jdk import OLDEST_FOR_FIRESTORE, find_jdk
from local_platform.layout import LAYOUT, Layout
from local_platform.ports import HOST, free_port
from local_platform.rules import load_rules

START_SECONDS = 30.0


@contextmanager
def firestore_emulator(
    *, with_rules: bool = False, environ: Mapping[str, str] | None = None, layout: Layout = LAYOUT
) -> Generator[str]:
    """Yields the `host:port` of an emulator and stops it afterwards.

    If FIRESTORE_EMULATOR_HOST names a running emulator, it is used and left running. Otherwise, an empty one is
    started on a free port. `with_rules` loads `firestore.rules` for the project `demo-agents`. Raises `Problem` if the
    emulator does not start.
    """
    environ = os.environ if environ is None else environ
    source = choose_firestore(environ)
    rules = (layout.root / "firestore.rules").read_text(encoding="utf-8") if with_rules else None
    if source.host is not None:
        if rules is not None:
            load_rules(source.host, rules)
        yield source.host
        return
    host = f"{HOST}:{free_port()}"
    folder = layout.local / "firestore"
    processes.end_processes([entry.process for entry in processes.find_marked(folder) if entry.is_orphan])
    folder.mkdir(parents=True, exist_ok=True)
    log_path = folder / f"{host.partition(':')[2]}.log"
    with log_path.open("wb") as log:
        process = subprocess.Popen(
            _command(source, host, environ, layout),
            cwd=folder,
            env={**environ, **processes.mark(folder)},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        processes.wait_for(lambda: process.poll() is not None or is_answering(host), START_SECONDS)
        if not is_answering(host):
            raise Problem("The Firestore emulator did not start", f"See {log_path}.")
        if rules is not None:
            load_rules(host, rules)
        yield host
    finally:
        process.kill()
        process.wait()
    log_path.unlink(missing_ok=True)


def _command(source: FirestoreSource, host: str, environ: Mapping[str, str], layout: Layout) -> list[str]:
    jdk = find_jdk(layout, environ, OLDEST_FOR_FIRESTORE)
    if jdk is None or source.jar is None:
        raise Problem("The Firestore emulator or Java is not installed", "Run `make setup` first.")
    address, _, port = host.partition(":")
    return [str(jdk.java), "-cp", str(source.jar), MAIN_CLASS, "--host", address, "--port", port]

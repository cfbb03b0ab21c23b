"""Starts and stops the Firebase Emulator Suite with this project's functions, and the local model's server.

`make run` and the end-to-end tests use a `Suite`. It requires a completed set-up, installs nothing, and writes
nothing to the terminal.
"""

import os
import signal
import subprocess
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from local_platform import environment, processes
from local_platform.app_env import read_app_env
from local_platform.console import Problem
from local_platform.firestore_jar import FirestoreSource, choose_firestore
from local_platform.functions_emulator import FunctionsEmulator
from local_platform.jdk import OLDEST_FOR_SUITE, find_jdk
from local_platform.layout import LAYOUT, Layout
from local_platform.leftovers import SAVE_SECONDS, end_leftovers
from local_platform.ports import HOST, Ports, http_status, is_taken, require_free
from local_platform.project_folder import compose
from local_platform.rules import load_rules
from local_platform.setup_steps import make_runnable_jar, wants_local_model
from local_platform.suite_log import SuiteLog

READY_SECONDS = 180.0
_END_SECONDS = 5.0
"""How long the suite may take to end by itself after the data is saved."""
_PARTS = ("auth", "functions", "hosting", "tasks")


class Suite:
    """One suite on one set of ports. Use it as a context manager, or call `start` and then always `stop`.

    `name` separates suites: the suite writes to the folder `.local/{name}`. `data` is the folder from which Firestore
    and Auth are loaded at the start and to which they are saved at the end. With None, the suite begins empty and
    saves nothing. `environ` is passed to the functions. The default is this process's environment, without `.env`.
    `app_env` overrides it. `local_model` starts the local model's server; by default, it starts if it is installed and
    the environment does not disable it. `firestore_host` is a running emulator to use instead of starting one.
    `staged` is a folder of staged functions to run instead of the sources.
    """

    def __init__(
        self,
        *,
        name: str = "suite",
        ports: Ports | None = None,
        environ: Mapping[str, str] | None = None,
        app_env: str | None = None,
        data: Path | None = None,
        local_model: bool | None = None,
        ui: bool = False,
        firestore_host: str | None = None,
        staged: Path | None = None,
        layout: Layout = LAYOUT,
    ) -> None:
        self.layout = layout
        self.staged = staged
        self.folder = layout.local / name
        self.ports = ports or Ports()
        self.environ = dict(os.environ if environ is None else environ)
        self.data = data
        self.ui = ui
        self.firestore_host = firestore_host
        installed = (layout.model_env / "bin" / "python").exists()
        self.local_model = installed and wants_local_model(self.environ) if local_model is None else local_model
        self.app_env = app_env or read_app_env(self.environ)
        self.log = SuiteLog(self.folder / "suite.log")
        self.functions: list[str] = []
        self.functions_emulator = FunctionsEmulator(self.ports.functions)
        self._firebase: subprocess.Popen[bytes] | None = None
        self._model: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """The root URL of the service."""
        return f"http://{HOST}:{self.ports.hosting}"

    @property
    def auth_url(self) -> str:
        return f"http://{HOST}:{self.ports.auth}"

    def function_url(self, name: str) -> str:
        """Returns a function's own address, which works even for private functions."""
        return self.functions_emulator.url(name)

    def sweep(self) -> bool:
        """Calls the sweep, and returns whether it succeeded."""
        return self.functions_emulator.sweep()

    @property
    def is_started(self) -> bool:
        """Whether any process has been started and not stopped."""
        return self._firebase is not None or self._model is not None

    @property
    def env(self) -> dict[str, str]:
        """The environment variables with which client libraries use this suite."""
        return {
            "GOOGLE_CLOUD_PROJECT": environment.PROJECT,
            "FIRESTORE_EMULATOR_HOST": self.firestore_host or f"{HOST}:{self.ports.firestore}",
            "FIREBASE_AUTH_EMULATOR_HOST": f"{HOST}:{self.ports.auth}",
            "CLOUD_TASKS_EMULATOR_HOST": f"{HOST}:{self.ports.tasks}",
        }

    def start(
        self,
        cancelled: threading.Event | None = None,
        progress: Callable[[list[str]], None] = lambda new_lines: None,
    ) -> None:
        """Starts the suite. Returns when `GET /health` returns 200, or as soon as `cancelled` is set.

        In the meantime, `progress` is called repeatedly with the new lines of the log. Raises `Problem` on
        failure. Even then, `stop` must be called.
        """
        jdk = find_jdk(self.layout, self.environ, OLDEST_FOR_SUITE)
        if jdk is None or not self.layout.firebase.exists():
            raise Problem("The emulator suite is not installed here", "Run `make setup` first.")
        firestore = self._choose_firestore()
        end_leftovers(self.folder, self.ports.offset)
        require_free(self._used_ports(), self.ports.offset)
        self.functions = compose(
            self.layout,
            self.folder,
            self.ports,
            start_firestore=self.firestore_host is None,
            ui=self.ui,
            staged=self.staged,
        )
        environ = environment.build_environment(
            self.environ,
            root=self.layout.root if self.staged is None else None,
            folder=self.folder,
            java_home=jdk.home,
            app_env=self.app_env,
            model_url=f"http://{HOST}:{self.ports.model}/v1" if self.local_model else None,
            firestore_host=self.firestore_host,
            firestore_jar=make_runnable_jar(self.layout, firestore),
        ) | processes.mark(self.folder)
        if self.firestore_host:
            load_rules(self.firestore_host, (self.layout.root / "firestore.rules").read_text(encoding="utf-8"))
        if self.local_model:
            self._start_model(environ)
        self._start_firebase(environ)
        self._wait_ready(cancelled, progress)

    def find_problem(self) -> Problem | None:
        """Returns a problem if a process of the running suite has exited, otherwise None."""
        if self._firebase is not None and self._firebase.poll() is not None:
            return self._create_problem(
                f"The emulator suite has exited unexpectedly (exit code {self._firebase.returncode})"
            )
        if self._model is not None and self._model.poll() is not None:
            return Problem(
                f"The local model's server has exited unexpectedly (exit code {self._model.returncode})",
                f"See {self.folder / 'model.log'}, or disable the model with LOCAL_MODEL=off.",
            )
        return None

    def stop(self, force: threading.Event | None = None) -> bool:
        """Saves the data, ends every process that `start` has started, and waits until its ports are free.

        Requests under way are cut off. If `force` is set in the meantime, all processes are ended without saving.
        Returns whether the data was saved, or True if there was nothing to save.
        """
        force = force or threading.Event()
        saved = self._stop_firebase(force)
        roots = [process.pid for process in (self._firebase, self._model) if process is not None]
        processes.end_processes(processes.find_owned_processes(self.folder, roots), patience=0 if force.is_set() else 3)
        for process in (self._firebase, self._model):
            if process is not None:
                process.wait()
        self._firebase = self._model = None
        processes.wait_for(lambda: not any(map(is_taken, self._used_ports().values())), seconds=5)
        return saved

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _used_ports(self) -> dict[str, int]:
        return self.ports.for_parts(firestore=self.firestore_host is None, ui=self.ui, model=self.local_model)

    def _choose_firestore(self) -> FirestoreSource:
        if self.firestore_host:
            return FirestoreSource("a running emulator", host=self.firestore_host)
        environ = {name: value for name, value in self.environ.items() if name != "FIRESTORE_EMULATOR_HOST"}
        return choose_firestore(environ)

    def _start_model(self, environ: Mapping[str, str]) -> None:
        python = self.layout.model_env / "bin" / "python"
        if not python.exists():
            raise Problem("The local model is not installed", "Run `make setup`, or disable it with LOCAL_MODEL=off.")
        program = Path(__file__).with_name("model_server.py")
        with (self.folder / "model.log").open("wb") as log:
            self._model = subprocess.Popen(
                [python, program, str(self.ports.model)],
                cwd=self.folder,
                env={name: value for name, value in environ.items() if name != "PYTHONPATH"},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def _start_firebase(self, environ: Mapping[str, str]) -> None:
        parts = [*_PARTS, *(() if self.firestore_host else ("firestore",)), *(("ui",) if self.ui else ())]
        command = ["node", str(self.layout.firebase), "emulators:start"]
        command += ["--project", environment.PROJECT, "--only", ",".join(part for part in parts if part != "ui")]
        if self.data is not None:
            self.data.parent.mkdir(parents=True, exist_ok=True)
            command += ["--import", str(self.data), "--export-on-exit", str(self.data)]
        self.log.start_over()
        with self.log.path.open("wb") as log:
            self._firebase = subprocess.Popen(
                command,
                cwd=self.folder,
                env=dict(environ),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                # In its own session, it does not get the terminal's Ctrl-C in addition to the signal from `stop`. A
                # second signal would end it immediately.
                start_new_session=True,
            )

    def _wait_ready(self, cancelled: threading.Event | None, progress: Callable[[list[str]], None]) -> None:
        def is_decided() -> bool:
            progress(self.log.new_lines())
            return self.log.broken or self.find_problem() is not None or self._is_ready()

        is_cancelled = cancelled.is_set if cancelled is not None else lambda: False
        decided = processes.wait_for(is_decided, READY_SECONDS, is_cancelled)
        if is_cancelled():
            return
        if problem := self.find_problem():
            raise problem
        if self.log.broken:
            raise self._create_problem("A part of the emulator suite could not start")
        if not decided:
            raise self._create_problem(f"The service was not ready within {READY_SECONDS:.0f} seconds")

    def _is_ready(self) -> bool:
        if self.local_model and not is_taken(self.ports.model):
            return False
        return is_taken(self.ports.hosting) and http_status(self.ports.hosting, "/health", timeout=5) == 200

    def _create_problem(self, what: str) -> Problem:
        return Problem(what, "\n  ".join([f"Its log, {self.log.path}, ends with:", *self.log.tail()]))

    def _stop_firebase(self, force: threading.Event) -> bool:
        firebase = self._firebase
        if firebase is None:
            return True
        if firebase.poll() is not None:
            return self.data is None
        firebase.send_signal(signal.SIGINT)

        def has_ended() -> bool:
            return firebase.poll() is not None

        def is_saved() -> bool:
            self.log.new_lines()
            return self.log.saved or self.log.saving_failed or has_ended()

        if self.data is not None:
            processes.wait_for(is_saved, SAVE_SECONDS, force.is_set)
        # The suite now waits up to a minute for requests under way, although their writes can no longer be saved.
        processes.wait_for(has_ended, _END_SECONDS, force.is_set)
        self.log.new_lines()
        return self.data is None or self.log.saved

"""The Firebase Emulator Suite with this project's functions in it, and the local model beside it.

`make run` and the end-to-end tests start a `Suite`. It requires a finished set-up; it neither installs anything nor
writes to the terminal.
"""

import json
import math
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Self

from local_platform import environment, processes
from local_platform.app_env import chosen_app_env
from local_platform.console import Problem
from local_platform.firestore_jar import FirestoreSource, choose_firestore
from local_platform.jdk import OLDEST_FOR_SUITE, find_jdk
from local_platform.layout import LAYOUT, Layout
from local_platform.leftovers import SAVE_SECONDS, end_leftovers
from local_platform.ports import HOST, Ports, http_answer, http_status, is_taken, refuse_taken
from local_platform.project_folder import compose
from local_platform.rules import load_rules
from local_platform.setup_steps import local_model_wanted, runnable_jar
from local_platform.suite_log import SuiteLog

READY_SECONDS = 180.0
WARM_SECONDS = 60.0
"""How long to wait for functions after the last one has started."""
_GO_SECONDS = 5.0
"""How long the suite may take to end by itself after the data are saved."""
REGION = "us-central1"
_LARGEST = "worker"
"""The function that takes longest to start, because it imports most."""
_PARTS = ("auth", "functions", "hosting", "tasks")


class Suite:
    """One suite on one set of ports. Use it as a context manager, or call `start` and then, in any case, `stop`.

    `name` separates suites: this one writes to the folder `.local/{name}`. `data` is the folder from which Firestore
    and Auth are loaded at the start and to which they are saved at the end; with None, the suite begins empty and
    saves nothing. `environ` is passed to the functions (default: this process's environment, without `.env`); `app_env`
    overrides it. `local_model` starts the local model's server (default: if it is installed and the environment does
    not disable it). `firestore_host` is a running emulator to use instead of starting one. `staged` is a folder of
    staged functions to run instead of the sources.
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
        self.local_model = installed and local_model_wanted(self.environ) if local_model is None else local_model
        self.app_env = app_env or chosen_app_env(self.environ)
        self.log = SuiteLog(self.folder / "suite.log")
        self.functions: list[str] = []
        self._firebase: subprocess.Popen[bytes] | None = None
        self._model: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """The service root."""
        return f"http://{HOST}:{self.ports.hosting}"

    @property
    def auth_url(self) -> str:
        return f"http://{HOST}:{self.ports.auth}"

    def function_url(self, name: str) -> str:
        """Returns a function's own address, which works for private functions, too."""
        return f"http://{HOST}:{self.ports.functions}/{environment.PROJECT}/{REGION}/{name}"

    @property
    def is_started(self) -> bool:
        """Whether there is anything to stop."""
        return self._firebase is not None or self._model is not None

    @property
    def env(self) -> dict[str, str]:
        """The environment with which client libraries use this suite."""
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
        """Returns when `GET /health` is answered with 200, or as soon as `cancelled` is set.

        While waiting, `progress` is called repeatedly with the new lines of the log. Raises `Problem`; call `stop`
        then, too.
        """
        jdk = find_jdk(self.layout, self.environ, OLDEST_FOR_SUITE)
        if jdk is None or not self.layout.firebase.exists():
            raise Problem("The emulator suite is not installed here", "Run `make setup` first.")
        firestore = self._firestore_source()
        end_leftovers(self.folder, self.ports.offset)
        refuse_taken(self._listening(), self.ports.offset)
        self.functions = compose(
            self.layout,
            self.folder,
            self.ports,
            own_firestore=self.firestore_host is None,
            ui=self.ui,
            staged=self.staged,
        )
        environ = environment.suite_environment(
            self.environ,
            root=self.layout.root if self.staged is None else None,
            folder=self.folder,
            java_home=jdk.home,
            app_env=self.app_env,
            model_url=f"http://{HOST}:{self.ports.model}/v1" if self.local_model else None,
            firestore_host=self.firestore_host,
            firestore_jar=runnable_jar(self.layout, firestore),
        ) | processes.mark(self.folder)
        if self.firestore_host:
            load_rules(self.firestore_host, (self.layout.root / "firestore.rules").read_text(encoding="utf-8"))
        if self.local_model:
            self._start_model(environ)
        self._start_firebase(environ)
        self._wait_ready(cancelled, progress)

    def warm(
        self,
        cancelled: threading.Event | None = None,
        progress: Callable[[int, list[str]], None] = lambda up, new_lines: None,
    ) -> list[str]:
        """Starts a first process of each function, so that its first caller does not have to wait.

        As many start at a time as there are cores: all at once, each would take longer than the suite waits for one.
        `progress` is called repeatedly with the number of functions that are up and the new lines of the log. Returns
        the names of those that are not up; returns early when `cancelled` is set.
        """
        up: list[str] = []
        rose_at = time.monotonic()

        def call(name: str) -> None:
            nonlocal rose_at
            path = f"/{environment.PROJECT}/{REGION}/{name}/__warm"
            if http_status(self.ports.functions, path, timeout=WARM_SECONDS) is not None:
                up.append(name)
                rose_at = time.monotonic()

        pool = ThreadPoolExecutor(max_workers=max(2, os.cpu_count() or 1))
        names = sorted(self.functions, key=lambda name: name != _LARGEST)
        calls = [pool.submit(call, name) for name in names]

        def is_over() -> bool:
            is_stuck = time.monotonic() - rose_at > WARM_SECONDS
            over = is_stuck or all(made.done() for made in calls)
            progress(len(up), self.log.new_lines())
            return over

        is_cancelled = cancelled.is_set if cancelled is not None else lambda: False
        processes.wait_for(is_over, math.inf, is_cancelled)
        pool.shutdown(wait=False, cancel_futures=True)
        return [name for name in self.functions if name not in up]

    def sweep(self) -> bool:
        """Calls the sweep, like the scheduler in the cloud; returns whether it succeeded.

        The suite's queue loses its tasks when it ends; the sweep takes up the tickets that were waiting.
        """
        path = f"/{environment.PROJECT}/{REGION}/sweep"
        return http_status(self.ports.functions, path, method="POST", timeout=60) == 200

    def failure(self) -> Problem | None:
        """Returns the problem of the running suite, if there is one."""
        if self._firebase is not None and self._firebase.poll() is not None:
            return self._problem(f"The emulator suite has ended by itself (exit code {self._firebase.returncode})")
        if self._model is not None and self._model.poll() is not None:
            return Problem(
                f"The local model's server has ended by itself (exit code {self._model.returncode})",
                f"See {self.folder / 'model.log'}, or leave the model out with LOCAL_MODEL=off.",
            )
        return None

    def under_way(self) -> int:
        """Returns the number of unanswered requests to functions, including the queue's; 0 if it is unknown."""
        answer = http_answer(self.ports.functions, "/__under_way", timeout=5)
        if answer is None or answer[0] != 200:
            return 0
        return int(json.loads(answer[1])["requests"])

    def wait_for_requests(self, seconds: float, interrupted: Callable[[], bool] = lambda: False) -> int:
        """Lets requests under way end, at most `seconds` and until `interrupted`; returns how many have not.

        What they write by then is among the data that `stop` saves.
        """
        left = 0

        def is_over() -> bool:
            nonlocal left
            left = self.under_way()
            return left == 0

        processes.wait_for(is_over, seconds, interrupted)
        return left

    def stop(self, force: threading.Event | None = None) -> bool:
        """Saves the data, ends every process that `start` began, and waits until its ports are free.

        Waits for no requests: they are ended. When `force` is set meanwhile, ends all without saving. True if the data
        were saved, or were not to be.
        """
        force = force or threading.Event()
        saved = self._stop_firebase(force)
        roots = [process.pid for process in (self._firebase, self._model) if process is not None]
        processes.finish_off(processes.family(self.folder, roots), patience=0 if force.is_set() else 3)
        for process in (self._firebase, self._model):
            if process is not None:
                process.wait()
        self._firebase = self._model = None
        processes.wait_for(lambda: not any(map(is_taken, self._listening().values())), seconds=5)
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

    def _listening(self) -> dict[str, int]:
        return self.ports.to_listen_on(firestore=self.firestore_host is None, ui=self.ui, model=self.local_model)

    def _firestore_source(self) -> FirestoreSource:
        if self.firestore_host:
            return FirestoreSource("a running emulator", host=self.firestore_host)
        own = {name: value for name, value in self.environ.items() if name != "FIRESTORE_EMULATOR_HOST"}
        return choose_firestore(own)

    def _start_model(self, environ: Mapping[str, str]) -> None:
        python = self.layout.model_env / "bin" / "python"
        if not python.exists():
            raise Problem("The local model is not installed", "Run `make setup`, or leave it out with LOCAL_MODEL=off.")
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
                # Its own session: the terminal's Ctrl-C must not reach it in addition to the signal of `stop`, because
                # a second signal ends it immediately.
                start_new_session=True,
            )

    def _wait_ready(self, cancelled: threading.Event | None, progress: Callable[[list[str]], None]) -> None:
        def is_decided() -> bool:
            progress(self.log.new_lines())
            return self.log.broken or self.failure() is not None or self._is_ready()

        is_cancelled = cancelled.is_set if cancelled is not None else lambda: False
        decided = processes.wait_for(is_decided, READY_SECONDS, is_cancelled)
        if is_cancelled():
            return
        if failure := self.failure():
            raise failure
        if self.log.broken:
            raise self._problem("The emulator suite could not start a part of itself")
        if not decided:
            raise self._problem(f"The service was not ready within {READY_SECONDS:.0f} seconds")

    def _is_ready(self) -> bool:
        if self.local_model and not is_taken(self.ports.model):
            return False
        return is_taken(self.ports.hosting) and http_status(self.ports.hosting, "/health", timeout=5) == 200

    def _problem(self, what: str) -> Problem:
        return Problem(what, "\n  ".join([f"Its log, {self.log.path}, ends with:", *self.log.tail()]))

    def _stop_firebase(self, force: threading.Event) -> bool:
        firebase = self._firebase
        if firebase is None:
            return True
        if firebase.poll() is not None:
            return self.data is None
        firebase.send_signal(signal.SIGINT)

        def is_ended() -> bool:
            return firebase.poll() is not None

        def is_saved() -> bool:
            self.log.new_lines()
            return self.log.saved or self.log.saving_failed or is_ended()

        if self.data is not None:
            processes.wait_for(is_saved, SAVE_SECONDS, force.is_set)
        # It would now wait up to a minute for requests under way, although their writes can no longer be saved.
        processes.wait_for(is_ended, _GO_SECONDS, force.is_set)
        self.log.new_lines()
        return self.data is None or self.log.saved

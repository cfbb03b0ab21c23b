"""`make run`: starts the service, prints its addresses, reloads edited files, and stops it at a signal.

It reads from the environment or from `.env`: APP_ENV (local; "firebase" requires ID tokens), PORT_OFFSET, HTTP_PORT,
LOCAL_MODEL=off, UI=on, VERBOSE=1.
"""

import os
import signal
import threading
import time
from collections.abc import Callable, Mapping
from types import FrameType

from local_platform import processes
from local_platform.announce import announcement
from local_platform.app_env import chosen_app_env
from local_platform.console import Problem, say, step
from local_platform.environment import with_dotenv
from local_platform.layout import LAYOUT
from local_platform.leftovers import end_leftovers
from local_platform.ports import Ports
from local_platform.reload import SourceWatch, reload_functions
from local_platform.setup_steps import local_model_wanted, set_up
from local_platform.suite import Suite
from local_platform.suite_log import worth_showing

_SAY_AFTER_SECONDS = 5.0
_LOOK_EVERY_SECONDS = 1.0
_SWEEP_EVERY_SECONDS = 30.0
_REQUESTS_SECONDS = 20.0
"""How long the end waits for requests under way."""


class Interruption:
    """The signals that end the service, and how urgently.

    The first one cancels; a second Ctrl-C (or SIGTERM) stops waiting for requests; a third forces the end without
    saving. A closed terminal (SIGHUP) only ever cancels, because the person did not ask to drop the data.
    """

    def __init__(self) -> None:
        self.cancelled = threading.Event()
        self.hurried = threading.Event()
        self.forced = threading.Event()

    def listen(self) -> None:
        """Records signals from now on, without an interrupt. Under `nohup`, a closed terminal has no effect."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            if number != signal.SIGHUP or signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, self._note)

    def _note(self, number: int, frame: FrameType | None) -> None:
        if number == signal.SIGHUP or not self.cancelled.is_set():
            self.cancelled.set()
        elif not self.hurried.is_set():
            self.hurried.set()
        else:
            self.forced.set()


def launch() -> int:
    """Runs the service until a signal; returns the exit code."""
    environ = with_dotenv(LAYOUT.root, os.environ)
    chosen_app_env(environ)  # refused before anything else is done
    tools = set_up(LAYOUT, environ, local_model=local_model_wanted(environ))
    interruption = Interruption()
    interruption.listen()
    suite = _suite(environ, tools.firestore.host)
    if any(entry.is_orphan for entry in processes.marked(suite.folder)):
        step("Stopping the processes that an earlier run left behind, and saving its data; this may take a minute")
    if ended := end_leftovers(suite.folder, suite.ports.offset):
        step(f"Stopped {ended} processes that an earlier run had left behind")
    step(f"Starting with Java {tools.jdk.major} and {tools.firestore.description} (log: {suite.log.path})")
    if suite.firestore_host:
        step("The Firestore data are not saved, because this launcher did not start the emulator")
    try:
        _run(suite, interruption, verbose=_is_on(environ, "VERBOSE"))
    finally:
        if suite.is_started:
            _stop(suite, interruption)
    return 0


def _suite(environ: Mapping[str, str], firestore_host: str | None) -> Suite:
    """Returns the suite on the chosen ports. With an offset, it has its own folder and data."""
    offset = environ.get("PORT_OFFSET") or "0"
    suffix = "" if offset == "0" else f"-{offset}"
    return Suite(
        name=f"suite{suffix}",
        ports=Ports.from_environ(environ),
        environ=environ,
        # Saving without Firestore would overwrite the data that the suite's own Firestore has saved.
        data=LAYOUT.local / f"data{suffix}{'-without-firestore' if firestore_host else ''}",
        local_model=local_model_wanted(environ),
        ui=_is_on(environ, "UI"),
        firestore_host=firestore_host,
    )


def _run(suite: Suite, interruption: Interruption, *, verbose: bool) -> None:
    output = _Output(verbose=verbose)
    suite.start(interruption.cancelled, output.waiting)
    if interruption.cancelled.is_set():
        return
    missing = suite.warm(interruption.cancelled, output.warming(len(suite.functions)))
    if interruption.cancelled.is_set():
        return
    output.show(suite.log.new_lines())
    step(f"Started in {output.elapsed:.0f} s{f', but not yet {_some(missing)}' if missing else ''}")
    say(f"\n{announcement(suite)}\n")
    watch = SourceWatch(LAYOUT.root)
    look_at = sweep_at = time.monotonic()
    while not interruption.cancelled.wait(0.2):
        output.show(suite.log.new_lines())
        if failure := suite.failure():
            raise failure
        if time.monotonic() >= sweep_at:
            sweep_at = time.monotonic() + _SWEEP_EVERY_SECONDS
            threading.Thread(target=suite.sweep, daemon=True).start()
        if time.monotonic() >= look_at:
            look_at = time.monotonic() + _LOOK_EVERY_SECONDS
            if edited := watch.edited():
                done = reload_functions(suite.ports.hub)
                step(f"{'Reloaded' if done else 'Could not reload'} the functions: {_some(edited)} changed")


def _stop(suite: Suite, interruption: Interruption) -> None:
    say()
    if requests := suite.under_way():
        step(
            f"Waiting for {requests} request{'s' if requests > 1 else ''}, at most {_REQUESTS_SECONDS:.0f} s "
            "(Ctrl-C again: stop waiting and save the data; a third time: stop immediately without saving)"
        )
        if left := suite.wait_for_requests(_REQUESTS_SECONDS, interruption.hurried.is_set):
            step(f"No longer waiting; {left} request{'s are' if left > 1 else ' is'} cut off")
    times = "again" if interruption.hurried.is_set() else "twice more"
    step(f"Stopping, and saving the data (Ctrl-C {times}: stop immediately without saving)")
    saved = suite.stop(interruption.forced)
    left = [entry for entry in processes.marked(suite.folder) if entry.is_ours]
    if left:
        raise Problem(
            "Some processes could not be stopped: " + ", ".join(str(entry.process.pid) for entry in left),
            "Stop them with `kill -9`.",
        )
    say("✓ Stopped; the data are saved" if saved else "✗ Stopped; the data of this run were not saved")


class _Output:
    """Shows the suite's log on the terminal: all lines if `verbose`, else only the important ones."""

    def __init__(self, *, verbose: bool) -> None:
        self._verbose = verbose
        self._began = time.monotonic()
        self._patience_asked = False
        self._said_at = self._began

    @property
    def elapsed(self) -> float:
        return time.monotonic() - self._began

    def show(self, lines: list[str]) -> None:
        for line in lines:
            shown = line if self._verbose else worth_showing(line)
            if shown:
                say(shown)

    def waiting(self, lines: list[str]) -> None:
        """Shows lines while the suite starts, and reports once that this takes a while."""
        self.show(lines)
        if not self._patience_asked and self.elapsed > _SAY_AFTER_SECONDS:
            self._patience_asked = True
            self._said_at = time.monotonic()
            say("  … this takes 15 seconds to two minutes, depending on the machine")

    def warming(self, functions: int) -> Callable[[int, list[str]], None]:
        """Shows lines while `functions` functions start, and reports every few seconds how many are up."""

        def progress(up: int, lines: list[str]) -> None:
            self.show(lines)
            if time.monotonic() - self._said_at > _SAY_AFTER_SECONDS:
                self._said_at = time.monotonic()
                say(f"  … {up} of {functions} functions are up")

        return progress


def _is_on(environ: Mapping[str, str], name: str) -> bool:
    return environ.get(name, "").lower() in ("1", "on", "true", "yes")


def _some(names: list[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")

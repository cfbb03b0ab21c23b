"""`make run`: starts the service, prints its addresses, reloads edited files, and stops on a signal.

It reads these variables from the environment or from `.env`: APP_ENV (the default is "local"; "firebase" requires ID
tokens), PORT_OFFSET, HTTP_PORT, LOCAL_MODEL=off, UI=on, VERBOSE=1.
"""

import os
import signal
import threading
import time
from collections.abc import Callable, Mapping
from types import FrameType

from local_platform import processes
from local_platform.announce import format_announcement
from local_platform.app_env import read_app_env
from local_platform.console import Problem, say, step
from local_platform.environment import add_dotenv, without_own_keys
from local_platform.layout import LAYOUT
from local_platform.leftovers import end_leftovers
from local_platform.ports import Ports
from local_platform.reload import SourceWatch, reload_functions
from local_platform.setup_steps import set_up, wants_local_model
from local_platform.suite import Suite
from local_platform.suite_log import format_for_terminal

_PROGRESS_AFTER_SECONDS = 5.0
_SOURCE_CHECK_SECONDS = 1.0
_SWEEP_SECONDS = 30.0
_REQUESTS_SECONDS = 20.0
"""How long stopping waits for requests under way."""


class Interruption:
    """Records the signals that end the service, in three levels of urgency.

    The first signal cancels. A second Ctrl-C (or SIGTERM) stops waiting for requests. A third ends everything without
    saving. A closed terminal (SIGHUP) only cancels, because the user did not ask to discard the data.
    """

    def __init__(self) -> None:
        self.cancelled = threading.Event()
        self.wait_cancelled = threading.Event()
        self.forced = threading.Event()

    def listen(self) -> None:
        """Records signals from now on instead of raising. Under `nohup`, a closed terminal has no effect."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            if number != signal.SIGHUP or signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, self._record)

    def _record(self, number: int, frame: FrameType | None) -> None:
        if number == signal.SIGHUP or not self.cancelled.is_set():
            self.cancelled.set()
        elif not self.wait_cancelled.is_set():
            self.wait_cancelled.set()
        else:
            self.forced.set()


def launch() -> int:
    """Runs the service until a signal arrives, and returns the exit code."""
    environ = add_dotenv(LAYOUT.root, without_own_keys(os.environ))
    read_app_env(environ)  # rejects an invalid value before anything else is done
    tools = set_up(LAYOUT, environ, local_model=wants_local_model(environ))
    interruption = Interruption()
    interruption.listen()
    suite = _create_suite(environ, tools.firestore.host)
    if any(entry.is_orphan for entry in processes.find_marked(suite.folder)):
        step("Stopping the processes that an earlier run left behind, and saving its data; this may take a minute")
    if ended := end_leftovers(suite.folder, suite.ports.offset):
        step(f"Stopped {ended} processes that an earlier run left behind")
    step(f"Starting with Java {tools.jdk.major} and {tools.firestore.description} (log: {suite.log.path})")
    if suite.firestore_host:
        step("The Firestore data will not be saved, because this launcher did not start the emulator")
    try:
        _run(suite, interruption, verbose=_is_on(environ, "VERBOSE"))
    finally:
        if suite.is_started:
            _stop(suite, interruption)
    return 0


def _create_suite(environ: Mapping[str, str], firestore_host: str | None) -> Suite:
    """Returns the suite on the chosen ports. A suite with an offset has its own folder and data."""
    offset = environ.get("PORT_OFFSET") or "0"
    suffix = "" if offset == "0" else f"-{offset}"
    return Suite(
        name=f"suite{suffix}",
        ports=Ports.from_environ(environ),
        environ=environ,
        # A run without its own Firestore must not overwrite the data that an earlier run's Firestore has saved.
        data=LAYOUT.local / f"data{suffix}{'-without-firestore' if firestore_host else ''}",
        local_model=wants_local_model(environ),
        ui=_is_on(environ, "UI"),
        firestore_host=firestore_host,
    )


def _run(suite: Suite, interruption: Interruption, *, verbose: bool) -> None:
    output = _Output(verbose=verbose)
    suite.start(interruption.cancelled, output.show_progress)
    if interruption.cancelled.is_set():
        return
    warm_progress = output.warm_progress(suite)
    missing = suite.functions_emulator.warm(suite.functions, interruption.cancelled, warm_progress)
    if interruption.cancelled.is_set():
        return
    output.show(suite.log.new_lines())
    step(f"Started in {output.elapsed:.0f} s{f', except {_abbreviate(missing)}' if missing else ''}")
    say(f"\n{format_announcement(suite)}\n")
    watch = SourceWatch(LAYOUT.root)
    next_check = next_sweep = time.monotonic()
    while not interruption.cancelled.wait(0.2):
        output.show(suite.log.new_lines())
        if problem := suite.find_problem():
            raise problem
        if time.monotonic() >= next_sweep:
            next_sweep = time.monotonic() + _SWEEP_SECONDS
            threading.Thread(target=suite.sweep, daemon=True).start()
        if time.monotonic() >= next_check:
            next_check = time.monotonic() + _SOURCE_CHECK_SECONDS
            if edited := watch.find_edits():
                reloaded = reload_functions(suite.ports.hub)
                step(f"{'Reloaded' if reloaded else 'Could not reload'} the functions: {_abbreviate(edited)} changed")


def _stop(suite: Suite, interruption: Interruption) -> None:
    say()
    if requests := suite.functions_emulator.count_requests():
        step(
            f"Waiting for {requests} request{'s' if requests > 1 else ''}, at most {_REQUESTS_SECONDS:.0f} s "
            "(Ctrl-C again: stop waiting and save the data; a third time: stop immediately without saving)"
        )
        remaining = suite.functions_emulator.wait_for_requests(_REQUESTS_SECONDS, interruption.wait_cancelled.is_set)
        if remaining:
            step(f"No longer waiting; {remaining} request{'s are' if remaining > 1 else ' is'} cut off")
    times = "again" if interruption.wait_cancelled.is_set() else "twice more"
    step(f"Stopping, and saving the data (Ctrl-C {times}: stop immediately without saving)")
    saved = suite.stop(interruption.forced)
    survivors = [entry for entry in processes.find_marked(suite.folder) if entry.is_owned_by_this_process]
    if survivors:
        raise Problem(
            "Some processes could not be stopped: " + ", ".join(str(entry.process.pid) for entry in survivors),
            "Stop them with `kill -9`.",
        )
    say("✓ Stopped; the data is saved" if saved else "✗ Stopped; the data of this run was not saved")


class _Output:
    """Shows the suite's log on the terminal: all lines if `verbose`, otherwise only the important ones."""

    def __init__(self, *, verbose: bool) -> None:
        self._verbose = verbose
        self._began = time.monotonic()
        self._is_delay_reported = False
        self._progress_at = self._began

    @property
    def elapsed(self) -> float:
        return time.monotonic() - self._began

    def show(self, lines: list[str]) -> None:
        for line in lines:
            shown = line if self._verbose else format_for_terminal(line)
            if shown:
                say(shown)

    def show_progress(self, lines: list[str]) -> None:
        """Shows lines while the suite starts, and reports once that this takes a while."""
        self.show(lines)
        if not self._is_delay_reported and self.elapsed > _PROGRESS_AFTER_SECONDS:
            self._is_delay_reported = True
            self._progress_at = time.monotonic()
            say("  … this takes 15 seconds to two minutes, depending on the machine")

    def warm_progress(self, suite: Suite) -> Callable[[int], None]:
        """Returns a function that shows lines while functions start, and periodically reports how many have started."""

        def progress(started: int) -> None:
            self.show(suite.log.new_lines())
            if time.monotonic() - self._progress_at > _PROGRESS_AFTER_SECONDS:
                self._progress_at = time.monotonic()
                say(f"  … {started} of {len(suite.functions)} functions have started")

        return progress


def _is_on(environ: Mapping[str, str], name: str) -> bool:
    return environ.get(name, "").lower() in ("1", "on", "true", "yes")


def _abbreviate(names: list[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")

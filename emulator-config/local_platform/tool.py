"""Runs an installer, logs its output, shows its progress on the terminal, and explains a failure."""

import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from local_platform.console import Problem, step

OFFLINE_MESSAGES = (
    "ENOTFOUND",
    "EAI_AGAIN",
    "ECONNREFUSED",
    "ECONNRESET",
    "ENETUNREACH",
    "ETIMEDOUT",
    "name resolution",
    "NameResolutionError",
    "dns error",
    "error sending request",
    "Could not connect",
    "Failed to establish a new connection",
    "Network is unreachable",
)
"""Messages of pip, uv, npm and firebase-tools when they cannot reach a registry."""

_QUIET_SECONDS = 3.0
_LINE_EVERY_SECONDS = 15.0


def run_tool(
    activity: str,
    command: Sequence[str | Path],
    *,
    log: Path,
    cwd: Path,
    environ: Mapping[str, str] | None = None,
) -> None:
    """Runs `command` until it ends. Reports the `activity` and, if it takes long, the elapsed seconds.

    Raises `Problem` if the command fails or cannot be started.
    """
    step(activity)
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("a", encoding="utf-8") as output:
        output.write(f"\n$ {' '.join(map(str, command))}\n")
        output.flush()
        began_at = output.tell()
        try:
            process = subprocess.Popen(
                list(map(str, command)),
                cwd=cwd,
                env=dict(environ) if environ is not None else None,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        except OSError as error:
            raise Problem(
                f"{command[0]} cannot be started ({error.strerror})", "Install it, then try again."
            ) from error
        try:
            code = _wait(process)
        except BaseException:
            process.terminate()
            process.wait()
            raise
    if code != 0:
        raise explain_failure(activity, _read_from(log, began_at), log)


def explain_failure(activity: str, output: str, log: Path) -> Problem:
    """Returns the problem that explains a failed installer's `output`."""
    if any(sign in output for sign in OFFLINE_MESSAGES):
        return Problem(
            f"{activity} failed, because the package registry cannot be reached",
            f"Check the network connection and try again; completed steps are not repeated. Details: {log}",
        )
    last_lines = [line for line in output.splitlines() if line.strip()][-5:]
    return Problem(f"{activity} failed", "\n  ".join([f"See {log}; it ends with:", *last_lines]))


def _wait(process: subprocess.Popen[bytes]) -> int:
    """Waits for `process`. Shows the elapsed seconds: in place on a terminal, otherwise in occasional lines."""
    began = time.monotonic()
    next_line = began + _LINE_EVERY_SECONDS
    counted = False
    while True:
        try:
            code = process.wait(timeout=0.2)
        except subprocess.TimeoutExpired:
            elapsed = time.monotonic() - began
            if sys.stdout.isatty():
                if elapsed > _QUIET_SECONDS:
                    print(f"\r  … {elapsed:.0f} s", end="", flush=True)
                    counted = True
            elif time.monotonic() >= next_line:
                print(f"  … {elapsed:.0f} s", flush=True)
                next_line += _LINE_EVERY_SECONDS
        else:
            if counted:
                print("\r\033[K", end="", flush=True)
            return code


def _read_from(log: Path, position: int) -> str:
    with log.open(encoding="utf-8", errors="replace") as written:
        written.seek(position)
        return written.read()

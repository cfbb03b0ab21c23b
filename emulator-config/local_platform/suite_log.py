"""Reads the suite's log as it grows, and selects the lines that the user should see."""

import json
import re
from collections import deque
from pathlib import Path
from typing import Any

SHOWN_SEVERITIES = {"WARNING", "ERROR", "CRITICAL", "ALERT", "EMERGENCY"}
"""The severities of the functions' structured log lines that are shown."""

FATAL_MESSAGES = (
    "Failed to load function definition",
    "Failed to start functions in",
    "Fatal error occurred",
    "Could not start",
)
"""Messages that the suite logs when a part of it fails, even if the suite continues."""

_SAVED = re.compile(r"^✔\s+Export complete")
_NOT_SAVED = re.compile(r"^⚠\s+Automatic export to .* failed")
"""Messages that the suite logs when it ends. They must begin a line, because functions may print anything."""
_FROM_FUNCTION = re.compile(r"^>\s{1,2}")
_EXPECTED_WARNINGS = re.compile(
    r"Env variable override detected"
    r"|Unable to fetch the CLI MOTD"
    r"|The Emulator UI is not starting"
    r"|not currently authenticated"
    r"|Unable to fetch project Admin SDK"
    r"|Application Default Credentials detected"
    r"|multiple instances of the emulator suite"
    r"|has exited upon receiving signal"
    r"|fork_posix\.cc:\d+\] Other threads are currently calling into gRPC"  # the new process does not use gRPC
    r"|Control server error"  # gunicorn's control server is not used, and its socket's path may be too long
)


def format_for_terminal(line: str) -> str | None:
    """Returns the line to show on the terminal, or None. Lines that functions print, and warnings, are shown."""
    if _EXPECTED_WARNINGS.search(line):
        return None
    if _FROM_FUNCTION.match(line):
        return _format_function_line(_FROM_FUNCTION.sub("", line))
    if line.startswith("⚠"):
        return line.strip()
    if any(sign in line for sign in FATAL_MESSAGES) or line.startswith("Error:"):
        return line.strip()
    return None


def _format_function_line(text: str) -> str | None:
    try:
        entry: Any = json.loads(text)
    except ValueError:
        return f"> {text}" if text.strip() else None
    if not isinstance(entry, dict):
        return f"> {text}"
    fields: dict[str, Any] = entry
    severity = str(fields.get("severity", "INFO"))
    # A 4xx is not shown, because the caller has seen it. A failure of another server is shown.
    is_seen_by_caller = "httpRequest" in fields and severity == "WARNING" and "upstream" not in fields
    if severity not in SHOWN_SEVERITIES or is_seen_by_caller:
        return None
    return "\n".join(
        [f"> {severity} {fields.get('message', '')}", *str(fields.get("stack_trace", "")).strip().splitlines()]
    )


class SuiteLog:
    """The log at `path`. Each read continues where the previous one ended."""

    def __init__(self, path: Path, tail: int = 15) -> None:
        self.path = path
        self.broken = False
        """Whether a line reported that a part of the suite does not work."""
        self.saved = False
        """Whether a line reported that the data was saved."""
        self.saving_failed = False
        """Whether a line reported that the data could not be saved."""
        self._position = 0
        self._unfinished = ""
        self._tail: deque[str] = deque(maxlen=tail)

    def start_over(self) -> None:
        """Renames the previous run's log, and starts an empty one."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        if self.path.exists():
            self.path.replace(self.path.with_suffix(".previous.log"))
        self.path.touch()
        self._position, self._unfinished = 0, ""
        self.broken = self.saved = self.saving_failed = False
        self._tail.clear()

    def new_lines(self) -> list[str]:
        """Returns the complete lines that were written since the last call."""
        with self.path.open(encoding="utf-8", errors="replace") as log:
            log.seek(self._position)
            text = self._unfinished + log.read()
            self._position = log.tell()
        *lines, self._unfinished = text.split("\n")
        self._tail.extend(line for line in lines if line.strip())
        self.broken = self.broken or any(sign in line for line in lines for sign in FATAL_MESSAGES)
        self.saved = self.saved or any(map(_SAVED.match, lines))
        self.saving_failed = self.saving_failed or any(map(_NOT_SAVED.match, lines))
        return lines

    def tail(self) -> list[str]:
        """Returns the last lines that are not empty."""
        self.new_lines()
        return list(self._tail)

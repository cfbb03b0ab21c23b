"""How a run that failed is told: in words for whoever wrote the code."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from shared.sandbox.analysis.findings import Finding
from shared.sandbox.analysis.source import plain_code
from shared.sandbox.inside.calls import CallFailed
from shared.sandbox.program import Failure, Limits

_LONGEST_MESSAGE = 2000
_LONGEST_LINE = 200
_MOST_FRAMES = 20
_MOST_FINDINGS = 10


@dataclass(frozen=True)
class Seen:
    """A call that failed, as agent code saw it; `name` and `cause` are for the end of the run."""

    message: str
    kind: str
    name: str
    cause: Exception | None

    @classmethod
    def of(cls, failed: CallFailed) -> Seen:
        """Without what hangs on the exceptions: the arguments of the calls, which may be large."""
        cause = failed.cause.with_traceback(None) if failed.cause else None
        return cls(failed.message, failed.kind.__name__, failed.name, cause)


@dataclass(frozen=True)
class Frame:
    """A line of the agent's that was being run; `line` counts from 1."""

    line: int
    function: str


def not_run(findings: Sequence[Finding], code: str) -> Failure:
    """Of code that is not run for what the look found in it."""
    kind = "SyntaxError" if findings[0].syntax else "NotImplementedError"
    told = "; ".join(f"line {finding.line}: {finding.message}" for finding in findings[:_MOST_FINDINGS])
    return Failure(f"{kind}: {told}", _pointed_at(findings[0], code) if findings[0].syntax else "")


def _pointed_at(finding: Finding, code: str) -> str:
    """Where code is no Python, as Python shows it: the line, and a caret below the place."""
    lines = plain_code(code).split("\n")
    line = lines[finding.line - 1][:_LONGEST_LINE] if 0 < finding.line <= len(lines) else ""
    caret = f"    {' ' * (finding.column - 1)}^\n" if 0 < finding.column <= len(line) + 1 else ""
    return f'  File "agent.py", line {finding.line}\n    {line}\n{caret}SyntaxError: {finding.message}'


def took_too_long(limits: Limits, waited_for: str | None) -> Failure:
    """Of a run whose time is over; `waited_for`: the calls that were under way then."""
    waiting = f"; it was waiting for {waited_for}" if waited_for else ""
    return Failure(f"TimeoutError: The run took longer than {limits.seconds:.3g} s{waiting}.")


def computed_too_long(limits: Limits) -> str:
    """The message of a run that computed for as long as it may."""
    return f"The code computed for longer than {limits.cpu_seconds:g} s, which is the most that a run may."


def failure_of(
    kind: str, message: str, frames: Sequence[Frame], code: str, seen: Sequence[Seen], notes: str = ""
) -> Failure:
    """An exception that nobody caught. `seen`: the calls that failed, the newest last. `notes`: see `Fault`."""
    if kind == "KeyError" and message.startswith(("'http://", "'https://")) and "mcpc" in code:
        message += ". The agent's tools name no such MCP server."
    if kind == "MemoryError" and not message:
        message = "The run took more memory than it may."
    cause = None
    for call in reversed(seen):
        if message == call.message and kind in (call.kind, call.name, "OSError"):
            kind, cause = call.name, call.cause
            break
    if len(message) > _LONGEST_MESSAGE:
        message = message[:_LONGEST_MESSAGE] + "…"
    told = f"{kind}: {message}" if message else kind
    below = f"{told}\n{notes[:_LONGEST_MESSAGE]}" if notes else told
    return Failure(told, _traceback(frames, code, below), cause)


def _traceback(frames: Sequence[Frame], code: str, told: str) -> str:
    """As Python writes it, of the agent's lines alone."""
    if not frames:
        return ""
    source = code.split("\n")
    lines = ["Traceback (most recent call last):"]
    for frame in frames[-_MOST_FRAMES:]:
        lines.append(f'  File "agent.py", line {frame.line}, in {frame.function}')
        if 0 < frame.line <= len(source):
            lines.append(f"    {source[frame.line - 1].strip()[:_LONGEST_LINE]}")
    return "\n".join([*lines, told])

"""How a run that failed is told: in words for whoever wrote the code."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from shared.sandbox.analysis.findings import Finding
from shared.sandbox.analysis.source import plain_code
from shared.sandbox.inside.calls import CallFailed
from shared.sandbox.messages import Fault
from shared.sandbox.program import Failure, Limits

_LONGEST_MESSAGE = 2000
_LONGEST_LINE = 200
_MOST_FRAMES = 20
_MOST_FINDINGS = 10
_LINKS = {
    True: "The above exception was the direct cause of the following exception:",
    False: "During handling of the above exception, another exception occurred:",
}


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


def failure_of(fault: Fault, code: str, seen: Sequence[Seen]) -> Failure:
    """Of an exception that nobody caught. `seen`: the calls that failed, the newest last."""
    kind, message = fault.type, fault.message
    if kind == "KeyError" and message.startswith(("'http://", "'https://")) and "mcpc" in code:
        message += ". The agent's tools name no such MCP server."
    if kind == "MemoryError" and not message:
        message = "The run took more memory than it may."
    cause = None
    for call in reversed(seen):
        if message == call.message and kind in (call.kind, call.name, "OSError"):
            kind, cause = call.name, call.cause
            break
    told = _sentence(kind, message)
    below = f"{told}\n{fault.notes[:_LONGEST_MESSAGE]}" if fault.notes else told
    before = [
        f"{_traceback(one.frames, code, _sentence(one.type, one.message))}\n\n{_LINKS[one.direct]}\n\n"
        for one in fault.causes
        if one.frames
    ]
    traceback = _traceback(fault.frames, code, below)
    return Failure(told, "".join(before) + traceback if traceback else "", cause)


def _sentence(kind: str, message: str) -> str:
    if len(message) > _LONGEST_MESSAGE:
        message = message[:_LONGEST_MESSAGE] + "…"
    return f"{kind}: {message}" if message else kind


def _traceback(frames: Sequence[tuple[int, str]], code: str, told: str) -> str:
    """As Python writes it, of the agent's lines alone. `frames`: see `Fault`."""
    if not frames:
        return ""
    source = code.split("\n")
    lines = ["Traceback (most recent call last):"]
    for number, function in frames[-_MOST_FRAMES:]:
        lines.append(f'  File "agent.py", line {number}, in {function}')
        if 0 < number <= len(source):
            lines.append(f"    {source[number - 1].strip()[:_LONGEST_LINE]}")
    return "\n".join([*lines, told])

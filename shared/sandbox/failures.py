"""Describes failed runs for the author of the code."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from shared.sandbox.analysis.findings import Finding
from shared.sandbox.analysis.source import unwrap_code
from shared.sandbox.inside.calls import CallFailed
from shared.sandbox.messages import Fault
from shared.sandbox.program import Failure, Limits

_MAX_MESSAGE_CHARACTERS = 2000
_MAX_LINE_CHARACTERS = 200
_MAX_FRAMES = 20
_MAX_FINDINGS = 10
_LINKS = {
    True: "The above exception was the direct cause of the following exception:",
    False: "During handling of the above exception, another exception occurred:",
}


@dataclass(frozen=True)
class FailedCall:
    """A failed call, as agent code saw it. If it ends the run, `name` and `cause` become part of the run's failure."""

    message: str
    kind: str
    name: str
    cause: Exception | None

    @classmethod
    def from_failure(cls, failed: CallFailed) -> FailedCall:
        """Creates a copy without the cause's traceback, which would keep the call's arguments in memory."""
        cause = failed.cause.with_traceback(None) if failed.cause else None
        return cls(failed.message, failed.kind.__name__, failed.name, cause)


def describe_findings(findings: Sequence[Finding], code: str) -> Failure:
    """Returns the failure of code that is not run because the analysis has findings."""
    kind = "SyntaxError" if findings[0].syntax else "NotImplementedError"
    sentence = "; ".join(f"line {finding.line}: {finding.message}" for finding in findings[:_MAX_FINDINGS])
    return Failure(f"{kind}: {sentence}", _point_at(findings[0], code) if findings[0].syntax else "")


def _point_at(finding: Finding, code: str) -> str:
    """Shows the position of a syntax error as Python does: the line, with a caret below the position."""
    lines = unwrap_code(code).split("\n")
    line = lines[finding.line - 1][:_MAX_LINE_CHARACTERS] if 0 < finding.line <= len(lines) else ""
    caret = f"    {' ' * (finding.column - 1)}^\n" if 0 < finding.column <= len(line) + 1 else ""
    return f'  File "agent.py", line {finding.line}\n    {line}\n{caret}SyntaxError: {finding.message}'


def describe_timeout(limits: Limits, pending_calls: str | None) -> Failure:
    """Returns the failure of a run that took too long. `pending_calls`: names the calls in progress at its end."""
    waiting = f"; it was waiting for {pending_calls}" if pending_calls else ""
    return Failure(f"TimeoutError: The run took longer than {limits.seconds:.3g} s{waiting}.")


def describe_cpu_timeout(limits: Limits) -> str:
    """Returns the message for a run that has used up its CPU time."""
    return f"The code used more than {limits.cpu_seconds:g} s of CPU time, the limit for a run."


def describe_fault(fault: Fault, code: str, failed_calls: Sequence[FailedCall]) -> Failure:
    """Returns the failure of a run that ended with an exception. `failed_calls`: the newest last."""
    kind, message = fault.type, fault.message
    if kind == "KeyError" and message.startswith(("'http://", "'https://")) and "mcpc" in code:
        message += ". The agent's tools include no such MCP server."
    if kind == "MemoryError" and not message:
        message = "The run used more memory than allowed."
    cause = None
    for call in reversed(failed_calls):
        if message == call.message and kind in (call.kind, call.name, "OSError"):
            kind, cause = call.name, call.cause
            break
    sentence = _format_error(kind, message)
    last_lines = f"{sentence}\n{fault.notes[:_MAX_MESSAGE_CHARACTERS]}" if fault.notes else sentence
    causes = [
        f"{_format_traceback(link.frames, code, _format_error(link.type, link.message))}\n\n{_LINKS[link.direct]}\n\n"
        for link in fault.causes
        if link.frames
    ]
    traceback = _format_traceback(fault.frames, code, last_lines)
    return Failure(sentence, "".join(causes) + traceback if traceback else "", cause)


def _format_error(kind: str, message: str) -> str:
    if len(message) > _MAX_MESSAGE_CHARACTERS:
        message = message[:_MAX_MESSAGE_CHARACTERS] + "…"
    return f"{kind}: {message}" if message else kind


def _format_traceback(frames: Sequence[tuple[int, str]], code: str, sentence: str) -> str:
    """Returns a traceback in Python's format, with only the agent's own lines. `frames`: see `Fault`."""
    if not frames:
        return ""
    source = code.split("\n")
    lines = ["Traceback (most recent call last):"]
    for number, function in frames[-_MAX_FRAMES:]:
        lines.append(f'  File "agent.py", line {number}, in {function}')
        if 0 < number <= len(source):
            lines.append(f"    {source[number - 1].strip()[:_MAX_LINE_CHARACTERS]}")
    return "\n".join([*lines, sentence])

"""The part of a run's journal that belongs to one program: an agent, or an agent that another one calls."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from pydantic import JsonValue

from shared.log import get_logger
from shared.models.agent_run import Step, StepKind, StepStatus
from shared.models.chat import Usage
from shared.models.errors import AllowanceSpent, DeploymentBudgetSpent, KeyBudgetSpent
from shared.models.journal import LogLine
from shared.models.money import to_dollars
from shared.models.question import Question
from shared.models.wire import JsonObject
from shared.sandbox.inside.calls import CallFailed, HostFunctions
from shared.sandbox.recorder import Answer, Call, Moment, RecordedCall, ReplayDiverged
from shared.sandbox.suspension import Suspension
from shared.services.agents.journal import Journal, digest, to_datetime
from shared.services.agents.questions import encode_schema
from shared.services.agents.run_history import Record
from shared.services.agents.steps import kind_of, name_call, preview, show_arguments

_log = get_logger("runs")
INTERRUPTED = "InterruptedCall"
MAX_QUESTIONS = 20
"""The maximum number of questions that are open at a time."""
MAX_QUESTION_CHARACTERS = 20_000
"""The maximum length of a question with its choices and its schema. The open ones are stored in the run's ticket."""
MAX_PRINTED_CHARACTERS = 200_000
"""About how much of what a run and the agents that it calls print is stored."""
_MAX_LINE_CHARACTERS = 10_000
_MAX_ERROR_CHARACTERS = 500
_NANO = 10**9
_CAUSES = {cause.__name__: cause for cause in (AllowanceSpent, DeploymentBudgetSpent, KeyBudgetSpent)}


@dataclass
class Recording:
    """What all programs of a run share. `questions`: the open ones, and those that were answered, by their call."""

    journal: Journal
    suspension: Suspension
    is_lease_valid: Callable[[], bool]
    questions: dict[str, Question] = field(default_factory=dict[str, Question])


class ProgramJournal:
    """A `shared.sandbox.recorder.Recorder`. `path`: that of the call that started the program; empty for the first.

    `is_visible`: whether the run's owner may see what the program prints. `make_functions` returns the host functions
    for a call.
    """

    def __init__(
        self,
        recording: Recording,
        path: str,
        clock: int,
        make_functions: Callable[[ProgramJournal, Call], HostFunctions],
        *,
        is_visible: bool,
    ) -> None:
        self.recording = recording
        self.journal = recording.journal
        self._history = recording.journal.history
        self.suspension = recording.suspension
        self.path = path
        self.clock = clock
        self._make_functions = make_functions
        self._is_visible = is_visible
        self.is_resumed = self._history.is_resumed
        self.last_number = max((_number_in(path, other) for other in self._history.records), default=0)
        self._printed = 0
        self._known = self._history.printed.get(path, 0)
        self._line = ""

    @property
    def seed(self) -> bytes:
        """See `Recorder`."""
        return hashlib.sha256(self._history.seed + self.path.encode()).digest()

    def path_of(self, call: Call) -> str:
        """Returns the path of a call of this program."""
        return f"{self.path}.{call.number}" if self.path else str(call.number)

    def find(self, call: Call) -> RecordedCall | None:
        """See `Recorder`."""
        record = self._history.records.get(self.path_of(call))
        if record is None:
            return None
        if (record.function, record.arguments) != (call.function, digest(call.arguments)):
            raise ReplayDiverged(_describe_divergence(self.path_of(call), call, record))
        if record.end is None:
            return None
        end: dict[str, Any] = record.end
        return RecordedCall(end["r"], Moment(end["w"], end["c"]), _read_cause(end.get("cause")))

    def host_functions(self, call: Call) -> HostFunctions:
        """See `Recorder`."""
        return self._make_functions(self, call)

    async def ask(
        self, call: Call, question: str, choices: list[str] | None, schema: JsonObject | None, timeout: float | None
    ) -> JsonValue:
        """See `Recorder`. Raises `CallFailed` for an invalid schema."""
        path = self.path_of(call)
        asked = self.recording.questions.get(path)
        if asked is None:
            if len(self.recording.questions) >= MAX_QUESTIONS:
                raise CallFailed(f"A run may ask at most {MAX_QUESTIONS} questions at a time.", ValueError)
            if len(json.dumps([question, choices, schema])) > MAX_QUESTION_CHARACTERS:
                raise CallFailed(f"A question may have at most {MAX_QUESTION_CHARACTERS} characters.", ValueError)
            asked_at = to_datetime(int(self.suspension.now() * _NANO))
            asked = Question(
                call=path,
                text=question,
                choices=choices,
                answer_schema=await encode_schema(schema),
                asked_at=asked_at,
                expires_at=None if timeout is None else asked_at + timedelta(seconds=timeout),
            )
            self.recording.questions[path] = asked
        if asked.answer is None or asked.answered_at is None:
            with self.suspension.waiting_for_person():
                await self.suspension.wait_for_end()
        call.end(int(asked.answered_at.timestamp() * _NANO))
        return asked.read_answer()

    def withdraw(self, call: Call) -> None:
        """See `Recorder`."""
        self.recording.questions.pop(self.path_of(call), None)

    def record(self, call: Call, answer: Answer, cause: Exception | None) -> Answer:
        """See `Recorder`."""
        path = self.path_of(call)
        known = self._history.records.get(path)
        if known is not None and known.end is not None:  # recorded with its charge
            recorded: Any = known.end["r"]
            return recorded
        self.record_end(call, answer, cause, usage=_read_usage(call, answer))
        self.recording.questions.pop(path, None)
        return answer

    def record_end(
        self, call: Call, answer: Answer, cause: Exception | None = None, cost: int = 0, usage: JsonObject | None = None
    ) -> None:
        """Records how a call ended. `cost`: millionths of a dollar."""
        moment = call.end()
        end: JsonObject = {"r": answer, "w": moment.waits, "c": moment.clock}
        if cost:
            end["cost"] = cost
        if usage:
            end["usage"] = usage
        if isinstance(cause, AllowanceSpent | DeploymentBudgetSpent):
            end["cause"] = [type(cause).__name__, cause.message]
        error, shown_error, status = answer.get("error"), None, StepStatus.COMPLETED
        if error is not None:
            status = StepStatus.INTERRUPTED if error["name"] == INTERRUPTED else StepStatus.FAILED
            shown_error = f"{error['name']}: {error['message']}"[:_MAX_ERROR_CHARACTERS] if self._is_visible else None
        step = self.describe(call, status).model_copy(
            update={
                "ended_at": to_datetime(moment.clock),
                "cost": to_dollars(cost) if cost else None,
                "usage": Usage.model_validate(usage) if usage else None,
                "preview": preview(call.function, answer) if self._is_visible else "",
                "error": shown_error,
            }
        )
        self.journal.end_call(self.path_of(call), self.make_record(call), end, step)
        fields: dict[str, object] = {
            "run": self.journal.run_id,
            "call": step.call,
            "kind": step.kind.value,
            "step": "" if step.kind is StepKind.ASK else step.name,  # the log contains no content
            "status": step.status.value,
            "seconds": round((moment.clock - call.clock) / _NANO, 3),
            "cost_micros": cost,
        }
        _log.info("A step of a run ended", extra={"fields": fields})

    def make_record(self, call: Call) -> Record:
        """Returns the record of a call that was recorded before, or a new one."""
        known = self._history.records.get(self.path_of(call))
        if known is not None:
            return known
        return Record(call.function, digest(call.arguments), show_arguments(call.arguments), call.line)

    def describe(self, call: Call, status: StepStatus) -> Step:
        """Returns a call as a step."""
        return Step(
            n=0,
            call=self.path_of(call),
            kind=kind_of(call.function),
            name=name_call(call.function, call.arguments) if self._is_visible else "",
            status=status,
            started_at=to_datetime(call.clock),
        )

    def print(self, text: str, clock: int) -> None:
        """See `Recorder`."""
        before, self._printed = self._printed, self._printed + len(text)
        if self._printed <= self._known:
            return
        self._line += text[max(0, self._known - before) :]
        *lines, self._line = self._line.split("\n")
        if lines:
            self._add(lines, clock, self._printed - len(self._line))

    def finish(self, clock: int) -> None:
        """See `Recorder`. Records an unfinished last line."""
        if self._line:
            line, self._line = self._line, ""
            self._add([line], clock, self._printed)

    def _add(self, lines: list[str], clock: int, printed: int) -> None:
        before = sum(self._history.printed.values())
        after = before + printed - self._history.printed.get(self.path, 0)
        texts = lines if self._is_visible and before <= MAX_PRINTED_CHARACTERS else []
        if texts and after > MAX_PRINTED_CHARACTERS:
            texts = [*texts, f"… More was printed; only the first {MAX_PRINTED_CHARACTERS} characters are stored."]
        shown = [LogLine(at=to_datetime(clock), text=text[:_MAX_LINE_CHARACTERS]) for text in texts]
        self.journal.add_lines(self.path, shown, printed)


def _number_in(program: str, path: str) -> int:
    """Returns the number of the program's call that a path names or begins with, 0 if it is another program's."""
    prefix = f"{program}." if program else ""
    return int(path[len(prefix) :].partition(".")[0]) if path.startswith(prefix) and path != program else 0


def _describe_divergence(path: str, call: Call, record: Record) -> str:
    recorded = f"{record.function}({record.shown}) on line {record.line}"
    made = f"{call.function}({show_arguments(call.arguments)})"
    return (
        f"line {call.line}: The code was run again after an interruption, and took another way. Its call {path} was "
        f"{recorded}, and now is {made}. The code must depend on nothing but its input, the answers to its calls, the "
        "clock and random numbers."
    )


def _read_usage(call: Call, answer: Answer) -> JsonObject | None:
    """Returns the tokens of a model call that costs nothing, so that its outcome is not recorded with a charge."""
    value = answer.get("value")
    if call.function != "call_model" or not isinstance(value, dict):
        return None
    return {name: value[name] for name in Usage.model_fields if name in value}


def _read_cause(cause: Any) -> Exception | None:
    if not cause:
        return None
    name, message = cause
    return _CAUSES[name](message)


def to_error(failed: CallFailed) -> Answer:
    """Returns the answer for a call that failed."""
    return {"error": {"message": failed.message, "kind": failed.kind.__name__, "name": failed.name}}

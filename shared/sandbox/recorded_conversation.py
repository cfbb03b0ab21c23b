"""A conversation whose calls are recorded, and are answered from the record if the run was interrupted before."""

from __future__ import annotations

import asyncio
from typing import Any

from pydantic import JsonValue

from shared.models.wire import JsonObject
from shared.sandbox.conversation import Conversation
from shared.sandbox.failures import FailedCall
from shared.sandbox.inside.arguments import check_optional_object, check_string, check_timeout
from shared.sandbox.inside.questions import check_choices
from shared.sandbox.logs import Logs
from shared.sandbox.messages import CallMessage, Fault, parse_arguments
from shared.sandbox.no_host_functions import NoHostFunctions
from shared.sandbox.recorder import Answer, Call, RecordedCall, Recorder
from shared.sandbox.timeline import Timeline
from shared.sandbox.worker import Worker

_ASK = "ask"


class RecordedConversation(Conversation):
    """See `Conversation`. The recorder provides the host functions, and the run may be put aside.

    `run` also raises `Suspended`, `Stuck`, `ReplayDiverged`, and the error with which the run was aborted.
    """

    def __init__(self, worker: Worker, recorder: Recorder, logs: Logs) -> None:
        super().__init__(worker, NoHostFunctions(), logs)
        self._recorder = recorder
        self._suspension = recorder.suspension
        self._timeline = Timeline(recorder, worker)
        self._unmade: dict[int, asyncio.Task[None]] = {}
        self._questions: dict[int, Call] = {}

    async def run(self, program: JsonObject) -> str | Fault:
        """See the class."""
        self._suspension.enter(self._timeline)
        try:
            end = await super().run(program)
            self._timeline.check_end()
            self._recorder.finish(self._timeline.now)
            return end
        finally:
            self._suspension.leave(self._timeline)

    def _print(self, text: str) -> None:
        super()._print(text)
        self._recorder.print(text, self._timeline.now)

    def _start(self, call: CallMessage, text: str) -> None:
        self._count(text)
        made = Call(call.number, call.function, text, call.line, self._timeline.now, self._timeline.end)
        recorded = self._recorder.find(made)
        self._timeline.begin(call.number)
        if recorded is not None:
            self._repeat(made, recorded)
        else:
            self._suspension.begin_call()
            task = self._unmade[call.number] = self._run_call(self._answer(call, text, made))
            task.add_done_callback(lambda _: self._suspension.end_call())  # also if it was cancelled before it began

    def _repeat(self, call: Call, recorded: RecordedCall) -> None:
        """Answers a call as it was answered before."""
        if (error := recorded.answer.get("error")) is not None:
            self.failures.append(FailedCall(error["message"], error["kind"], error["name"], recorded.cause))
        self._timeline.arrive(call.number, recorded.moment, recorded.answer)

    async def _answer(self, call: CallMessage, text: str, made: Call | None = None) -> None:
        assert made is not None  # noqa: S101 - see `_start`
        await self._timeline.until_live()
        if self._suspension.is_closing:
            with self._suspension.holding_back_call():
                await self._suspension.wait_for_end()
        if call.function == _ASK:
            self._questions[call.number] = made
        else:
            self._unmade.pop(call.number, None)
        await self._finish(made, call, self._make(made, call, text))

    async def _make(self, made: Call, call: CallMessage, text: str) -> JsonValue:
        if call.function == _ASK:
            return await self._ask(made)
        return await self._perform(call, text, self._recorder.host_functions(made))

    async def _ask(self, made: Call) -> JsonValue:
        arguments = parse_arguments(made.arguments)
        return await self._recorder.ask(
            made,
            check_string("question", arguments.get("question")),
            check_choices(arguments.get("choices")),
            check_optional_object("schema", arguments.get("schema")),
            check_timeout(arguments.get("timeout")),
        )

    async def _finish(self, made: Call, call: CallMessage, work: Any) -> None:
        """Waits for the call's outcome, records it, and answers with it."""
        answer: Answer
        cause: Exception | None = None
        try:
            answer = {"value": await work}
        except Exception as error:
            answer = {"error": self._describe_failure(error, call)}
            cause = self.failures[-1].cause
        if self._suspension.is_over:
            await self._suspension.wait_for_end()
        moment = made.end()
        recorded = self._recorder.record(made, answer, cause)
        if made.number in self._withdrawn:
            self._timeline.withdraw(made.number)
        else:
            self._timeline.arrive(made.number, moment, recorded)

    def _withdraw(self, number: int) -> None:
        """See `Conversation`. A question is withdrawn, and a call that has not been made is not made any more."""
        super()._withdraw(number)
        self._timeline.withdraw(number)
        if (task := self._unmade.pop(number, None)) is not None:
            task.cancel()
        if (question := self._questions.pop(number, None)) is not None:
            self._recorder.withdraw(question)

    async def _wait(self, max_seconds: float | None) -> None:
        await self._timeline.wait(max_seconds)

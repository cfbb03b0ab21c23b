"""Exchanges messages with the interpreter during a run: sends the program, answers calls, receives the outcome.

The interpreter may send at any time. It gets answers only after it has reported that it is waiting.
"""

import asyncio
import json
from base64 import b64decode, b64encode
from collections import deque
from collections.abc import Coroutine
from dataclasses import asdict
from typing import Any

from pydantic import JsonValue

from shared.log import get_logger
from shared.models.wire import JsonObject
from shared.sandbox.failures import FailedCall
from shared.sandbox.inside.arguments import (
    check_optional_string,
    check_string,
    check_timeout,
    copy_json,
    copy_json_list,
    copy_json_object,
    to_bytes,
    to_pairs,
    to_string_dict,
)
from shared.sandbox.inside.calls import CallFailed, HostFunctions, HttpCall
from shared.sandbox.inside.json_values import InvalidJson, refuse_large
from shared.sandbox.logs import Logs
from shared.sandbox.messages import (
    CallMessage,
    CancelMessage,
    DoneMessage,
    DroppedMessage,
    FailedMessage,
    Fault,
    GuestMessage,
    InvalidMessage,
    PrintMessage,
    ReadyMessage,
    TooManyValues,
    WaitMessage,
    count_values,
    parse_arguments,
    parse_fault,
    parse_message,
)
from shared.sandbox.worker import ProtocolViolation, Worker

_log = get_logger("sandbox")
_MAX_FAILURES = 50
_MAX_EXCESS_PRINTED = 4 * 2**20
"""How many characters a worker may send beyond the log's limit. The guest's own code sends only slightly more."""
_MESSAGES_PER_TURN = 50
"""How many messages are read before the event loop runs other tasks."""
_MAX_MESSAGES = 300_000
_MAX_BYTES = 64 * 2**20
"""The maximum total size of a run's messages."""
_MAX_CHARACTERS_WAITING = 64 * 2**20
"""The maximum total length of the answers that the interpreter has not requested yet, and that of the program."""
MAX_CHARACTERS_PER_MESSAGE = 4 * 2**20
"""The maximum length of the answers in one message: the interpreter holds a message in memory twice as it reads it."""
_MAX_CHARACTERS_IN_PROGRESS = 16 * 2**20
"""The maximum total length of the arguments of calls in progress, which this process holds in memory."""
_MAX_CALLS = 20_000
"""The maximum number of calls of a run. The host functions have separate limits for the calls that they forward."""
_ANSWERED_SECONDS = 0.001
"""How far a wait that ends with an answer advances an artificial clock, which does not follow real time."""
_MAX_WAIT_SECONDS = 1e6
_POLL_SECONDS = 0.001
"""The minimum time between two checks for answers while the code computes. The guest does not check more often."""
_MAX_VALUES = 1_000_000
"""The maximum number of values in the arguments of all calls of a run. Parsing them takes this process's CPU time,
which the run's limit does not cover.
"""


class TooManyCalls(Exception):
    """The run made more calls than allowed, or passed too many values in them."""


class Conversation:
    """The exchange of messages during one run. `failures`: the latest failed calls, oldest first.

    `has_started`: whether the program has sent anything. If not, it has had no effect and can be run again.
    """

    def __init__(self, worker: Worker, host_functions: HostFunctions, logs: Logs) -> None:
        self._worker = worker
        self._host_functions = host_functions
        self._logs = logs
        self._calls: set[asyncio.Task[None]] = set()
        self._withdrawn: set[int] = set()
        self._number = 0
        self._values = 0
        self._answers: deque[tuple[int, str]] = deque()
        self._waiting = 0
        self._in_progress = 0
        self._last_poll = 0.0
        self._answered = asyncio.Event()
        self._printed = 0
        self._messages = 0
        self._bytes = 0
        self.has_started = False
        self.failures: deque[FailedCall] = deque(maxlen=_MAX_FAILURES)

    async def run(self, program: JsonObject) -> str | Fault:
        """Sends the program and answers its calls until it ends. Returns the result as JSON, or a `Fault`.

        Raises `WorkerFailed`, `TooManyCalls`, and `InvalidJson` if the program is not valid JSON or is too large.
        """
        try:
            await self._worker.send(_encode_program(program))
            while True:
                received, text = await self._receive()
                self.has_started = self.has_started or not isinstance(received, ReadyMessage)
                match received:
                    case ReadyMessage():
                        pass
                    case PrintMessage():
                        self._print(text)
                    case DroppedMessage():
                        self._logs.drop(received.bytes)
                    case CallMessage():
                        self._start(received, text)
                    case CancelMessage():
                        self._withdraw(received.number)
                    case WaitMessage():
                        await self._wait(received.seconds)
                    case DoneMessage():
                        return text
                    case FailedMessage():
                        return parse_fault(text)
        except InvalidMessage as error:
            raise ProtocolViolation("The worker sent an invalid message.") from error
        finally:
            for call in self._calls:
                call.cancel()

    async def _receive(self) -> tuple[GuestMessage, str]:
        self._messages += 1
        if self._messages % _MESSAGES_PER_TURN == 0:
            await asyncio.sleep(0)
        data = await self._worker.receive()
        self._bytes += len(data)
        if self._messages > _MAX_MESSAGES or self._bytes > _MAX_BYTES:
            raise ProtocolViolation("The worker sent too many messages, or too many bytes.")
        return parse_message(data)

    def _print(self, text: str) -> None:
        self._printed += len(text)
        if self._printed > self._logs.max_bytes + _MAX_EXCESS_PRINTED:
            raise ProtocolViolation("The worker sent too much printed text.")
        self._logs.add(text)

    def _start(self, call: CallMessage, text: str) -> None:
        self._count(text)
        self._run_call(self._answer(call, text))

    def _count(self, text: str) -> None:
        """Counts a call with these arguments. Raises `TooManyCalls`."""
        self._number += 1
        self._values += count_values(text)
        if self._number > _MAX_CALLS or self._values > _MAX_VALUES:
            raise TooManyCalls

    def _run_call(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._calls.add(task)
        task.add_done_callback(self._calls.discard)
        return task

    def _withdraw(self, number: int) -> None:
        """Drops the answer to a call that the code does not wait for any more. The call itself goes on."""
        self._withdrawn.add(number)
        for answer in [answer for answer in self._answers if answer[0] == number]:
            self._answers.remove(answer)
            self._waiting -= len(answer[1])

    async def _answer(self, call: CallMessage, text: str) -> None:
        try:
            value = await self._perform(call, text, self._host_functions)
            answer = self._encode_answer(call, value)
        except Exception as error:
            answer = json.dumps({"number": call.number, "error": self._describe_failure(error, call)})
        if call.number in self._withdrawn:
            return
        self._waiting += len(answer)
        self._answers.append((call.number, answer))
        self._answered.set()

    async def _perform(self, call: CallMessage, text: str, host_functions: HostFunctions) -> JsonValue:
        """Makes the call, and returns its value. Raises `CallFailed` and `InvalidMessage`."""
        self._in_progress += len(text)
        try:
            if self._in_progress > _MAX_CHARACTERS_IN_PROGRESS:
                raise CallFailed("The calls in progress carry too much data. Await each call before making the next.")
            return await perform(host_functions, call.function, parse_arguments(text))
        finally:
            self._in_progress -= len(text)

    def _encode_answer(self, call: CallMessage, value: JsonValue) -> str:
        """Encodes the answer for a message. Raises `CallFailed` if the waiting answers would become too long."""
        answer = json.dumps({"number": call.number, "value": value})
        if self._waiting + len(answer) > _MAX_CHARACTERS_WAITING:
            raise CallFailed("The calls in progress returned too much data. Await each call before making the next.")
        return answer

    def _describe_failure(self, error: Exception, call: CallMessage) -> JsonObject:
        match error:
            case CallFailed():
                failed = error
            case TooManyValues():
                failed = CallFailed("The arguments contain too many values.", ValueError)
            case InvalidMessage():
                failed = CallFailed("The arguments are not a JSON object.", TypeError)
            case _:
                _log.exception("A host function failed unexpectedly", extra={"fields": {"call": call.function}})
                failed = CallFailed("Something went wrong on our side.")
        self.failures.append(FailedCall.from_failure(failed))
        return {"message": failed.message, "kind": failed.kind.__name__, "name": failed.name}

    def _take_answers(self) -> list[str]:
        """Removes the oldest answers, as many as fit into one message. The interpreter requests the others later."""
        answers: list[str] = []
        length = 0
        while self._answers and (not answers or length + len(self._answers[0][1]) <= MAX_CHARACTERS_PER_MESSAGE):
            answers.append(self._answers.popleft()[1])
            length += len(answers[-1])
        self._waiting -= length
        return answers

    async def _wait(self, max_seconds: float | None) -> None:
        """Waits until a call is answered or the time is up, and sends the answers. Raises `WorkerFailed`."""
        if not self._answers and max_seconds != 0:
            answered = asyncio.ensure_future(self._answered.wait())
            try:
                await asyncio.wait(
                    {answered, self._worker.ended}, timeout=max_seconds, return_when=asyncio.FIRST_COMPLETED
                )
            finally:
                answered.cancel()
        elif not self._answers:
            loop = asyncio.get_running_loop()
            await asyncio.sleep(self._last_poll + _POLL_SECONDS - loop.time())
            self._last_poll = loop.time()
        answers = self._take_answers()
        self._answered.clear()
        waited = _ANSWERED_SECONDS if answers else max_seconds or 0
        await self._worker.send(
            f'{{"answers": [{", ".join(answers)}]}}'.encode(), int(min(waited, _MAX_WAIT_SECONDS) * 1e9)
        )


def _encode_program(program: JsonObject) -> bytes:
    refuse_large(program, _MAX_CHARACTERS_WAITING, "input")
    line = json.dumps(program).encode()
    if len(line) > _MAX_CHARACTERS_WAITING:
        raise InvalidJson(
            f"The input and the code have {len(line)} bytes together; the limit is {_MAX_CHARACTERS_WAITING}."
        )
    return line


async def perform(host_functions: HostFunctions, function: str, arguments: dict[str, Any]) -> JsonValue:
    """Calls the host function. Checks the arguments again: agent code may have bypassed the guest's checks."""
    match function:
        case "call_model":
            answer = await host_functions.call_model(
                check_optional_string("provider", arguments.get("provider")),
                check_optional_string("model", arguments.get("model")),
                copy_json("messages", arguments.get("messages")),
                copy_json_object("parameters", arguments.get("parameters")),
                copy_json_list("tools", arguments.get("tools")),
                check_timeout(arguments.get("timeout")),
            )
            return asdict(answer)
        case "http":
            content = arguments.get("content")
            answer = await host_functions.http(
                HttpCall(
                    method=check_string("method", arguments.get("method")),
                    url=check_string("url", arguments.get("url")),
                    params=to_pairs("params", arguments.get("params")) or None,
                    headers=to_string_dict("headers", arguments.get("headers")),
                    json=copy_json("json", arguments.get("json")),
                    data=None if arguments.get("data") is None else to_pairs("data", arguments["data"]),
                    content=None if content is None else to_bytes("content", _decode_bytes(content)),
                    timeout=check_timeout(arguments.get("timeout")),
                    follow_redirects=arguments.get("follow_redirects") is True,
                )
            )
            headers: list[JsonValue] = [[name, value] for name, value in answer.headers]
            return {**asdict(answer), "headers": headers, "content": b64encode(answer.content).decode()}
        case "call_tool":
            return await host_functions.call_tool(
                check_string("remote_url", arguments.get("url")),
                check_optional_string("auth_token", arguments.get("token")),
                check_string("tool_name", arguments.get("tool")),
                copy_json_object("arguments", arguments.get("arguments")),
            )
        case "list_tools":
            tools = await host_functions.list_tools(
                check_string("remote_url", arguments.get("url")),
                check_optional_string("auth_token", arguments.get("token")),
            )
            return [asdict(tool) for tool in tools]
        case "ask":
            raise CallFailed("ask() needs a run that can wait: start the agent with POST /runs, or in a chat.")
        case _:
            return await host_functions.call_agent(
                check_string("agent_name", arguments.get("name")),
                copy_json_object("input_dict", arguments.get("input_dict")),
            )


def _decode_bytes(content: Any) -> bytes:
    try:
        return b64decode(content, validate=True)
    except (TypeError, ValueError) as error:
        raise CallFailed("content must be a string or bytes.", TypeError) from error

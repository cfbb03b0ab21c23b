"""The messages of a run: the program goes in, calls come out and are answered, and in the end a result or an error.

The interpreter sends at any time; it is answered only when it says that it waits.
"""

import asyncio
import json
from base64 import b64decode, b64encode
from collections import deque
from dataclasses import asdict
from typing import Any

from pydantic import JsonValue

from shared.log import get_logger
from shared.models.wire import JsonObject
from shared.sandbox.failures import Seen
from shared.sandbox.inside.arguments import (
    body_bytes,
    json_list,
    json_object,
    json_value,
    pairs,
    seconds,
    text,
    text_or_none,
    texts,
)
from shared.sandbox.inside.calls import CallFailed, HostFunctions, HttpCall
from shared.sandbox.inside.json_values import NotJson, refuse_large
from shared.sandbox.logs import Logs
from shared.sandbox.messages import (
    Call,
    Done,
    Dropped,
    Failed,
    Fault,
    NoMessage,
    Print,
    Ready,
    Said,
    TooManyValues,
    Wait,
    arguments,
    fault,
    message,
    values_in,
)
from shared.sandbox.worker import Refused, Worker

_log = get_logger("sandbox")
_MAX_FAILURES = 50
_MAX_EXCESS_PRINTED = 4 * 2**20
"""Characters beyond what is kept: our guest sends little more than what is kept."""
_MESSAGES_IN_A_ROW = 50
"""Read before other tasks have their turn."""
_MAX_MESSAGES = 300_000
_MAX_BYTES = 64 * 2**20
"""Of all messages of a run together."""
_MAX_CHARACTERS_WAITING = 64 * 2**20
"""Of answers that the interpreter has not asked for yet, and of the program."""
_MAX_CHARACTERS_AT_A_TIME = 4 * 2**20
"""Of answers in one message: the interpreter's memory holds it twice before any of it is used."""
_MAX_CHARACTERS_UNDER_WAY = 16 * 2**20
"""Of the arguments of calls in progress: this process keeps them until they are answered."""
_MAX_CALLS = 20_000
"""Calls that reach anything are counted by the host functions, too."""
_ANSWERED_SECONDS = 0.001
"""How far a wait that ended with an answer advances a clock that only waiting moves."""
_MAX_WAIT_SECONDS = 1e6
_LOOK_SECONDS = 0.001
"""Between two checks for answers while the code computes: our guest checks no more often."""
_MAX_VALUES = 1_000_000
"""In the arguments of all calls of a run: reading and keeping them takes this process's time, not the run's."""


class TooManyCalls(Exception):
    """The code called out more often than a run may."""


class Conversation:
    """The conversation of one run. `failures`: the latest calls that failed, oldest first.

    `begun`: whether the program has sent anything. One that has not has had no effect, so it can be run again.
    """

    def __init__(self, worker: Worker, host_functions: HostFunctions, logs: Logs) -> None:
        self._worker = worker
        self._host_functions = host_functions
        self._logs = logs
        self._calls: set[asyncio.Task[None]] = set()
        self._number = 0
        self._values = 0
        self._answers: deque[str] = deque()
        self._waiting = 0
        self._under_way = 0
        self._looked = 0.0
        self._answered = asyncio.Event()
        self._printed = 0
        self._messages = 0
        self._bytes = 0
        self.begun = False
        self.failures: deque[Seen] = deque(maxlen=_MAX_FAILURES)

    async def hold(self, program: JsonObject) -> str | Fault:
        """Sends the program and answers its calls until it ends. The result as JSON, or why it failed.

        Raises `Gone`, `TooManyCalls`, and `NotJson` for the program.
        """
        try:
            await self._worker.send(_encode_program(program))
            while True:
                said, text = await self._receive()
                self.begun = self.begun or not isinstance(said, Ready)
                match said:
                    case Ready():
                        pass
                    case Print():
                        self._print(text)
                    case Dropped():
                        self._logs.drop(said.bytes)
                    case Call():
                        self._start(said, text)
                    case Wait():
                        await self._wait(said.seconds)
                    case Done():
                        return text
                    case Failed():
                        return fault(text)
        except NoMessage as error:
            raise Refused("It sent an invalid message.") from error
        finally:
            for call in self._calls:
                call.cancel()

    async def _receive(self) -> tuple[Said, str]:
        self._messages += 1
        if self._messages % _MESSAGES_IN_A_ROW == 0:
            await asyncio.sleep(0)
        data = await self._worker.receive()
        self._bytes += len(data)
        if self._messages > _MAX_MESSAGES or self._bytes > _MAX_BYTES:
            raise Refused("It sent more than it may.")
        return message(data)

    def _print(self, text: str) -> None:
        self._printed += len(text)
        if self._printed > self._logs.most + _MAX_EXCESS_PRINTED:
            raise Refused("It sent more printed text than it may.")
        self._logs.add(text)

    def _start(self, call: Call, text: str) -> None:
        self._number += 1
        self._values += values_in(text)
        if self._number > _MAX_CALLS or self._values > _MAX_VALUES:
            raise TooManyCalls
        task = asyncio.create_task(self._answer(call, text))
        self._calls.add(task)
        task.add_done_callback(self._calls.discard)

    async def _answer(self, call: Call, text: str) -> None:
        self._under_way += len(text)
        try:
            if self._under_way > _MAX_CHARACTERS_UNDER_WAY:
                raise CallFailed("Too much is handed on at a time. Await the calls as they are made.")
            answer = self._encode_answer(call, await _perform(self._host_functions, call.function, arguments(text)))
        except Exception as error:
            answer = json.dumps({"number": call.number, "error": self._describe_failure(error, call)})
        finally:
            self._under_way -= len(text)
        self._waiting += len(answer)
        self._answers.append(answer)
        self._answered.set()

    def _encode_answer(self, call: Call, value: JsonValue) -> str:
        """The answer as a message's part. Raises `CallFailed` when too much is waiting already."""
        answer = json.dumps({"number": call.number, "value": value})
        if self._waiting + len(answer) > _MAX_CHARACTERS_WAITING:
            raise CallFailed("Too many answers wait at a time. Await the calls as they are made.")
        return answer

    def _describe_failure(self, error: Exception, call: Call) -> JsonObject:
        match error:
            case CallFailed():
                failed = error
            case TooManyValues():
                failed = CallFailed("The arguments hold more values than can be handed on.", ValueError)
            case NoMessage():
                failed = CallFailed("The arguments are not a JSON object.", TypeError)
            case _:
                _log.exception("A host function failed unexpectedly", extra={"fields": {"call": call.function}})
                failed = CallFailed("Something went wrong on our side.")
        self.failures.append(Seen.of(failed))
        return {"message": failed.message, "kind": failed.kind.__name__, "name": failed.name}

    def _take_answers(self) -> list[str]:
        """The oldest answers, as many as fit into a message; the interpreter asks again for the others."""
        answers: list[str] = []
        length = 0
        while self._answers and (not answers or length + len(self._answers[0]) <= _MAX_CHARACTERS_AT_A_TIME):
            answers.append(self._answers.popleft())
            length += len(answers[-1])
        self._waiting -= length
        return answers

    async def _wait(self, most_seconds: float | None) -> None:
        """Waits until a call is answered or the time is over, and sends the answers. Raises `Gone`."""
        if not self._answers and most_seconds != 0:
            answered = asyncio.ensure_future(self._answered.wait())
            try:
                await asyncio.wait(
                    {answered, self._worker.ended}, timeout=most_seconds, return_when=asyncio.FIRST_COMPLETED
                )
            finally:
                answered.cancel()
        elif not self._answers:
            loop = asyncio.get_running_loop()
            await asyncio.sleep(self._looked + _LOOK_SECONDS - loop.time())
            self._looked = loop.time()
        answers = self._take_answers()
        self._answered.clear()
        waited = _ANSWERED_SECONDS if answers else most_seconds or 0
        await self._worker.send(f'{{"answers": [{", ".join(answers)}]}}'.encode(), min(waited, _MAX_WAIT_SECONDS))


def _encode_program(program: JsonObject) -> bytes:
    refuse_large(program, _MAX_CHARACTERS_WAITING, "input")
    line = json.dumps(program).encode()
    if len(line) > _MAX_CHARACTERS_WAITING:
        raise NotJson(
            f"The input is {len(line)} bytes long, with the code; at most {_MAX_CHARACTERS_WAITING} are allowed."
        )
    return line


async def _perform(host_functions: HostFunctions, function: str, given: dict[str, Any]) -> JsonValue:
    """Calls the host function. Our guest has checked the arguments, but the sender may not be our guest."""
    match function:
        case "call_model":
            answer = await host_functions.call_model(
                text_or_none("provider", given.get("provider")),
                text_or_none("model", given.get("model")),
                json_value("messages", given.get("messages")),
                json_object("parameters", given.get("parameters")),
                json_list("tools", given.get("tools")),
                seconds(given.get("timeout")),
            )
            return asdict(answer)
        case "http":
            content = given.get("content")
            answer = await host_functions.http(
                HttpCall(
                    method=text("method", given.get("method")),
                    url=text("url", given.get("url")),
                    params=pairs("params", given.get("params")) or None,
                    headers=texts("headers", given.get("headers")),
                    json=json_value("json", given.get("json")),
                    data=None if given.get("data") is None else pairs("data", given["data"]),
                    content=None if content is None else body_bytes("content", _bytes(content)),
                    timeout=seconds(given.get("timeout")),
                    follow_redirects=given.get("follow_redirects") is True,
                )
            )
            headers: list[JsonValue] = [[name, value] for name, value in answer.headers]
            return {**asdict(answer), "headers": headers, "content": b64encode(answer.content).decode()}
        case "call_tool":
            return await host_functions.call_tool(
                text("remote_url", given.get("url")),
                text_or_none("auth_token", given.get("token")),
                text("tool_name", given.get("tool")),
                json_object("arguments", given.get("arguments")),
            )
        case "list_tools":
            tools = await host_functions.list_tools(
                text("remote_url", given.get("url")), text_or_none("auth_token", given.get("token"))
            )
            return [asdict(tool) for tool in tools]
        case _:
            return await host_functions.call_agent(
                text("agent_name", given.get("name")), json_object("input_dict", given.get("input_dict"))
            )


def _bytes(content: Any) -> bytes:
    try:
        return b64decode(content, validate=True)
    except (TypeError, ValueError) as error:
        raise CallFailed("content must be a string or bytes.", TypeError) from error

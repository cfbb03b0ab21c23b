"""The host's side of a run. A script replaces the worker, and sends any messages.

Any messages lead to an end or are refused. Host functions get only valid arguments. Every call gets one answer, every
wait gets a response, and no task remains afterwards.
"""

import asyncio
import json
from collections.abc import Iterator
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.models.wire import JsonObject
from shared.sandbox import CallFailed, HttpCall, HttpResponse, ModelAnswer, ToolDoc
from shared.sandbox.conversation import Conversation, TooManyCalls
from shared.sandbox.logs import Logs
from shared.sandbox.messages import MAX_BYTES, Fault
from shared.sandbox.worker import Worker, WorkerFailed


class _Script:
    """Replaces an interpreter: sends the given messages, and then ends."""

    def __init__(self, messages: list[bytes]) -> None:
        self._messages: Iterator[bytes] = iter(messages)
        self.sent: list[bytes] = []
        self.ended: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self.ended.set_result(0)

    async def receive(self) -> bytes:
        await asyncio.sleep(0)
        data = next(self._messages, None)
        if data is None or len(data) > MAX_BYTES:
            raise WorkerFailed("The worker has ended.")
        return data

    async def send(self, data: bytes, waited: float = 0) -> None:
        self.sent.append(data)


class _StrictHostFunctions:
    """`HostFunctions` that check their arguments.

    `slow`: whether they never answer. `invalid`: the failed checks. `in_progress`: the number of pending calls.
    """

    def __init__(self, slow: bool) -> None:
        self._slow = slow
        self.in_progress = 0
        self.invalid: list[object] = []

    async def call_model(
        self, provider: Any, model: Any, messages: Any, parameters: Any, tools: Any, timeout: Any
    ) -> ModelAnswer:
        self._check(*[value is None or type(value) is str for value in (provider, model)])
        self._check(_is_json(messages), _is_object(parameters), type(tools) is list, _is_json(tools), _is_time(timeout))
        await self._answer()
        return ModelAnswer("hello", None, "model", "stop", 1, 1, 2)

    async def http(self, call: HttpCall) -> HttpResponse:
        self._check(type(call.method) is str, type(call.url) is str, _is_pairs(call.params), _is_pairs(call.data))
        self._check(_is_pairs(list(call.headers.items())), _is_json(call.json), _is_time(call.timeout))
        self._check(call.content is None or type(call.content) is bytes)
        self._check(type(call.follow_redirects) is bool)
        await self._answer()
        return HttpResponse(200, "OK", [("a", "b")], b"\xff", "http://x")

    async def call_tool(self, url: str, token: str | None, tool: str, arguments: JsonObject) -> Any:
        self._check(type(url) is str, token is None or type(token) is str, type(tool) is str, _is_object(arguments))
        await self._answer()
        raise CallFailed("It failed.", OSError)

    async def list_tools(self, url: str, token: str | None) -> list[ToolDoc]:
        self._check(type(url) is str, token is None or type(token) is str)
        await self._answer()
        return [ToolDoc("x", "", {})]

    async def call_agent(self, name: str, input_dict: JsonObject) -> Any:
        self._check(type(name) is str, _is_object(input_dict))
        await self._answer()
        raise RuntimeError("an internal error")

    def _check(self, *conditions: bool) -> None:
        if not all(conditions):
            self.invalid.append(conditions)

    async def _answer(self) -> None:
        self.in_progress += 1
        try:
            if self._slow:
                await asyncio.Event().wait()
        finally:
            self.in_progress -= 1


def _is_json(value: Any) -> bool:
    """Whether the value is JSON, with finite numbers and encodable strings."""
    try:
        json.dumps(value, allow_nan=False, ensure_ascii=False).encode()
    except (TypeError, ValueError, RecursionError):
        return False
    return True


def _is_object(value: Any) -> bool:
    return type(value) is dict and _is_json(value)


def _is_time(value: Any) -> bool:
    return value is None or (type(value) is float and 0 < value < 1e9)


def _is_pairs(value: Any) -> bool:
    return value is None or all(type(key) is str and type(inner) is str for key, inner in value)


FUNCTIONS = ("call_model", "http", "call_tool", "list_tools", "call_agent")
ARGUMENT_NAMES = (
    *("provider", "model", "messages", "parameters", "tools", "timeout", "method", "url", "params", "headers", "json"),
    *("data", "content", "follow_redirects", "token", "tool", "arguments", "name", "input_dict"),
)
PLAIN = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
JSON = st.recursive(
    PLAIN,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)
VALID_ARGUMENTS: dict[str, Any] = {
    "provider": "p",
    "model": "m",
    "messages": [],
    "parameters": {},
    "tools": [],
    "timeout": 1,
    "method": "GET",
    "url": "http://x",
    "headers": {"a": "b"},
    "tool": "t",
    "arguments": {},
    "name": "n",
    "input_dict": {},
}
ARGUMENTS = st.dictionaries(st.sampled_from(ARGUMENT_NAMES), JSON, max_size=4).map(
    lambda changes: VALID_ARGUMENTS | changes
)
MESSAGES = st.one_of(
    st.fixed_dictionaries({"kind": st.just("print"), "text": st.text(max_size=50)}),
    st.fixed_dictionaries({"kind": st.just("dropped"), "bytes": st.integers(0, 2**53 - 1)}),
    st.fixed_dictionaries(
        {
            "kind": st.just("call"),
            "number": st.integers(1, 5),
            "function": st.sampled_from(FUNCTIONS),
            "arguments": ARGUMENTS,
        }
    ),
    st.fixed_dictionaries(
        {"kind": st.just("wait"), "seconds": st.sampled_from([0, 0.001, 1e9, 1e308, float("inf"), None])}
    ),
)
LAST = st.one_of(
    st.fixed_dictionaries({"kind": st.just("done"), "text": st.text(max_size=20)}),
    st.fixed_dictionaries(
        {
            "kind": st.just("failed"),
            "type": st.text(max_size=20),
            "message": st.text(max_size=20),
            "frames": st.lists(st.tuples(st.integers(), st.text(max_size=9)), max_size=3),
        }
    ),
)
MALFORMED = st.dictionaries(
    st.sampled_from(["kind", "text", "number", "function", "arguments", "seconds", "frames"]), JSON
)


def _encode(message: dict[str, Any]) -> bytes:
    """Encodes a message as an interpreter does: as a line of JSON and a text."""
    line = dict(message)
    text = line.pop("text", "")
    if "arguments" in line:
        text = json.dumps(line.pop("arguments"))
    if line.get("kind") == "failed":
        text = json.dumps({name: line.pop(name) for name in message if name != "kind"})
    return f"{json.dumps(line)}\n{text}".encode("utf-8", "replace")


def _parse_line(message: bytes) -> dict[str, Any]:
    line: dict[str, Any] = json.loads(message.partition(b"\n")[0])
    return line


def _converse(messages: list[bytes], slow: bool) -> tuple[str | Fault | None, _StrictHostFunctions, _Script, Logs]:
    """Runs a conversation. First returns its end, which is None if it raises one of the allowed exceptions."""

    async def converse() -> tuple[str | Fault | None, _StrictHostFunctions, _Script, Logs]:
        host_functions, script, logs = _StrictHostFunctions(slow), _Script(messages), Logs(1000)
        end = None
        async with asyncio.timeout(5):
            try:
                conversation = Conversation(cast(Worker, script), host_functions, logs)
                end = await conversation.run({"code": ""})
            except (WorkerFailed, TooManyCalls):
                pass
        for _ in range(3):
            await asyncio.sleep(0)
        assert len(asyncio.all_tasks()) == 1
        return end, host_functions, script, logs

    return asyncio.run(converse())


@pytest.mark.timeout(120)
@settings(max_examples=200, deadline=None)
@given(st.lists(st.binary(max_size=60) | (MESSAGES | MALFORMED | LAST).map(_encode), max_size=8), st.booleans())
def test_any_messages_lead_to_an_end_or_are_refused(messages: list[bytes], slow: bool) -> None:
    """Invalid bytes and unknown messages raise only the allowed exceptions, and leave no pending calls."""
    end, host_functions, _, _ = _converse(messages, slow)
    assert end is None or isinstance(end, str | Fault)
    assert (host_functions.invalid, host_functions.in_progress) == ([], 0)


@pytest.mark.timeout(120)
@settings(max_examples=200, deadline=None)
@given(st.lists(MESSAGES.map(_encode), max_size=12), LAST, st.booleans())
def test_valid_messages_in_any_order_are_handled(messages: list[bytes], last: JsonObject, slow: bool) -> None:
    """Host functions get valid arguments, every wait gets a response, and the end is the one that was sent."""
    end, host_functions, script, logs = _converse([*messages, _encode(last)], slow)
    assert (host_functions.invalid, host_functions.in_progress) == ([], 0)
    if end is not None:
        assert isinstance(end, Fault) == (last["kind"] == "failed")
        lines = [_parse_line(message) for message in messages]
        waits = sum(line["kind"] == "wait" for line in lines)
        assert len(script.sent) == 1 + waits
        answers = [answer for sent in script.sent[1:] for answer in json.loads(sent)["answers"]]
        calls = [line for line in lines if line["kind"] == "call"]
        assert len(answers) <= len(calls)
        assert {answer["number"] for answer in answers} <= {call["number"] for call in calls}
    assert len("\n".join(logs.lines()).encode()) < 1100


@pytest.mark.timeout(60)
@given(st.lists(st.integers(1, 9), max_size=12))
@settings(max_examples=50, deadline=None)
def test_every_call_gets_one_answer(numbers: list[int]) -> None:
    """Every call gets one answer, even if several calls have the same number."""
    calls = [
        _encode({"kind": "call", "number": n, "function": "list_tools", "arguments": VALID_ARGUMENTS}) for n in numbers
    ]
    wait = _encode({"kind": "wait", "seconds": 0.01})
    _, _, script, _ = _converse([*calls, *[wait] * (len(calls) + 2)], slow=False)
    answers = [answer for sent in script.sent[1:] for answer in json.loads(sent)["answers"]]
    assert sorted(answer["number"] for answer in answers) == sorted(numbers)


def test_the_number_of_calls_is_limited() -> None:
    """The call after 20,000 calls ends the conversation."""
    call = _encode({"kind": "call", "number": 1, "function": "list_tools", "arguments": {}})
    end, host_functions, _, _ = _converse([call] * 20_001, slow=True)
    assert (end, host_functions.in_progress) == (None, 0)


def test_the_number_of_values_in_all_calls_is_limited() -> None:
    """A call may have 100,000 values, and all calls together may have ten times as many."""
    call = _encode({"kind": "call", "number": 1, "function": "call_agent", "arguments": {"x": [0] * 90_000}})
    end, host_functions, _, _ = _converse([call] * 12, slow=True)
    assert (end, host_functions.in_progress) == (None, 0)


def test_the_size_of_pending_calls_is_limited() -> None:
    """A call that exceeds the limit fails immediately, with an error that suggests a solution."""
    arguments = {"name": "x", "input_dict": {"x": "y" * 1_900_000}}
    call = _encode({"kind": "call", "number": 1, "function": "call_agent", "arguments": arguments})
    wait = _encode({"kind": "wait", "seconds": 0.5})
    _, host_functions, script, _ = _converse([*[call] * 9, wait], slow=True)
    (answer,) = json.loads(script.sent[-1])["answers"]
    message = answer["error"]["message"]
    assert message == "The calls in progress carry too much data. Await each call before making the next."
    assert host_functions.in_progress == 0

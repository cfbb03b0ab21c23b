"""The host's side of a run alone: in the place of the worker is a script that says anything.

Whatever is said is an end or is refused; host_functions are given only what their protocol says; every call is answered
once, every wait is answered, and nothing goes on afterwards.
"""

import asyncio
import json
from collections.abc import Iterator
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.models.wire import JsonObject
from shared.sandbox import CallFailed, HttpAnswer, HttpCall, ModelAnswer, ToolDoc
from shared.sandbox.conversation import Conversation, TooManyCalls
from shared.sandbox.logs import Logs
from shared.sandbox.messages import MAX_BYTES, Fault
from shared.sandbox.worker import Gone, Worker


class _Script:
    """Stands in for an interpreter: sends what it is given, and then has ended."""

    def __init__(self, said: list[bytes]) -> None:
        self._said: Iterator[bytes] = iter(said)
        self.sent: list[bytes] = []
        self.ended: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self.ended.set_result(0)

    async def receive(self) -> bytes:
        await asyncio.sleep(0)
        data = next(self._said, None)
        if data is None or len(data) > MAX_BYTES:
            raise Gone("It has ended.")
        return data

    async def send(self, data: bytes, waited: float = 0) -> None:
        self.sent.append(data)


class _Strict:
    """HostFunctions that take what their protocol says. `slow`: they never answer. `under_way`: calls that go on."""

    def __init__(self, slow: bool) -> None:
        self._slow = slow
        self.under_way = 0
        self.wrong: list[object] = []

    async def call_model(
        self, provider: Any, model: Any, messages: Any, parameters: Any, tools: Any, timeout: Any
    ) -> ModelAnswer:
        self._check(*[value is None or type(value) is str for value in (provider, model)])
        self._check(_is_json(messages), _is_object(parameters), type(tools) is list, _is_json(tools), _is_time(timeout))
        await self._goes_on()
        return ModelAnswer("said", None, "model", "stop", 1, 1, 2)

    async def http(self, call: HttpCall) -> HttpAnswer:
        self._check(type(call.method) is str, type(call.url) is str, _is_pairs(call.params), _is_pairs(call.data))
        self._check(_is_pairs(list(call.headers.items())), _is_json(call.json), _is_time(call.timeout))
        self._check(call.content is None or type(call.content) is bytes)
        self._check(type(call.follow_redirects) is bool)
        await self._goes_on()
        return HttpAnswer(200, "OK", [("a", "b")], b"\xff", "http://x")

    async def call_tool(self, url: str, token: str | None, tool: str, arguments: JsonObject) -> Any:
        self._check(type(url) is str, token is None or type(token) is str, type(tool) is str, _is_object(arguments))
        await self._goes_on()
        raise CallFailed("It failed.", OSError)

    async def list_tools(self, url: str, token: str | None) -> list[ToolDoc]:
        self._check(type(url) is str, token is None or type(token) is str)
        await self._goes_on()
        return [ToolDoc("x", "", {})]

    async def call_agent(self, name: str, input_dict: JsonObject) -> Any:
        self._check(type(name) is str, _is_object(input_dict))
        await self._goes_on()
        raise RuntimeError("a fault of ours")

    def _check(self, *holds: bool) -> None:
        if not all(holds):
            self.wrong.append(holds)

    async def _goes_on(self) -> None:
        self.under_way += 1
        try:
            if self._slow:
                await asyncio.Event().wait()
        finally:
            self.under_way -= 1


def _is_json(value: Any) -> bool:
    """With finite numbers, and texts that can be sent."""
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


ABILITIES = ("call_model", "http", "call_tool", "list_tools", "call_agent")
ARGUMENTS = (
    *("provider", "model", "messages", "parameters", "tools", "timeout", "method", "url", "params", "headers", "json"),
    *("data", "content", "follow_redirects", "token", "tool", "arguments", "name", "input_dict"),
)
PLAIN = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
JSON = st.recursive(
    PLAIN,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)
FITTING: dict[str, Any] = {
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
GIVEN = st.dictionaries(st.sampled_from(ARGUMENTS), JSON, max_size=4).map(lambda given: FITTING | given)
MESSAGES = st.one_of(
    st.fixed_dictionaries({"kind": st.just("print"), "text": st.text(max_size=50)}),
    st.fixed_dictionaries({"kind": st.just("dropped"), "bytes": st.integers(0, 2**53 - 1)}),
    st.fixed_dictionaries(
        {
            "kind": st.just("call"),
            "number": st.integers(1, 5),
            "function": st.sampled_from(ABILITIES),
            "arguments": GIVEN,
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
BENT = st.dictionaries(st.sampled_from(["kind", "text", "number", "function", "arguments", "seconds", "frames"]), JSON)


def _bytes(message: dict[str, Any]) -> bytes:
    """As an interpreter writes it: a line of JSON, and a text."""
    line = dict(message)
    text = line.pop("text", "")
    if "arguments" in line:
        text = json.dumps(line.pop("arguments"))
    if line.get("kind") == "failed":
        text = json.dumps({name: line.pop(name) for name in message if name != "kind"})
    return f"{json.dumps(line)}\n{text}".encode("utf-8", "replace")


def _line(message: bytes) -> dict[str, Any]:
    line: dict[str, Any] = json.loads(message.partition(b"\n")[0])
    return line


def _held(said: list[bytes], slow: bool) -> tuple[str | Fault | None, _Strict, _Script, Logs]:
    """How the host reacts; None if it gives up, in one of the ways that it may."""

    async def held() -> tuple[str | Fault | None, _Strict, _Script, Logs]:
        host_functions, script, logs = _Strict(slow), _Script(said), Logs(1000)
        end = None
        async with asyncio.timeout(5):
            try:
                conversation = Conversation(cast(Worker, script), host_functions, logs)
                end = await conversation.hold({"code": ""})
            except (Gone, TooManyCalls):
                pass
        for _ in range(3):
            await asyncio.sleep(0)
        assert len(asyncio.all_tasks()) == 1
        return end, host_functions, script, logs

    return asyncio.run(held())


@pytest.mark.timeout(120)
@settings(max_examples=200, deadline=None)
@given(st.lists(st.binary(max_size=60) | (MESSAGES | BENT | LAST).map(_bytes), max_size=8), st.booleans())
def test_whatever_an_interpreter_says_is_an_end_or_is_refused(said: list[bytes], slow: bool) -> None:
    """Bytes that are no message, messages that are none of ours: nothing else is raised, and nothing goes on."""
    end, host_functions, _, _ = _held(said, slow)
    assert end is None or isinstance(end, str | Fault)
    assert (host_functions.wrong, host_functions.under_way) == ([], 0)


@pytest.mark.timeout(120)
@settings(max_examples=200, deadline=None)
@given(st.lists(MESSAGES.map(_bytes), max_size=12), LAST, st.booleans())
def test_messages_in_any_order_are_understood(said: list[bytes], last: JsonObject, slow: bool) -> None:
    """Host functions get valid arguments, every wait is answered, and the end is the one that was sent."""
    end, host_functions, script, logs = _held([*said, _bytes(last)], slow)
    assert (host_functions.wrong, host_functions.under_way) == ([], 0)
    if end is not None:
        assert isinstance(end, Fault) == (last["kind"] == "failed")
        waits = sum(_line(one)["kind"] == "wait" for one in said)
        assert len(script.sent) == 1 + waits
        answers = [answer for sent in script.sent[1:] for answer in json.loads(sent)["answers"]]
        calls = [_line(one) for one in said if _line(one)["kind"] == "call"]
        assert len(answers) <= len(calls)
        assert {answer["number"] for answer in answers} <= {call["number"] for call in calls}
    assert len("\n".join(logs.lines()).encode()) < 1100


@pytest.mark.timeout(60)
@given(st.lists(st.integers(1, 9), max_size=12))
@settings(max_examples=50, deadline=None)
def test_every_call_is_answered_once(numbers: list[int]) -> None:
    """Whatever numbers they have: also the same ones."""
    calls = [_bytes({"kind": "call", "number": n, "function": "list_tools", "arguments": FITTING}) for n in numbers]
    wait = _bytes({"kind": "wait", "seconds": 0.01})
    _, _, script, _ = _held([*calls, *[wait] * (len(calls) + 2)], slow=False)
    answers = [answer for sent in script.sent[1:] for answer in json.loads(sent)["answers"]]
    assert sorted(answer["number"] for answer in answers) == sorted(numbers)


def test_calls_without_end_are_refused() -> None:
    """Before there is no room for them."""
    call = _bytes({"kind": "call", "number": 1, "function": "list_tools", "arguments": {}})
    end, host_functions, _, _ = _held([call] * 20_001, slow=True)
    assert (end, host_functions.under_way) == (None, 0)


def test_calls_that_hold_more_than_can_be_kept_are_refused() -> None:
    """Each may hold a lot; all of them together no more than ten times that."""
    call = _bytes({"kind": "call", "number": 1, "function": "call_agent", "arguments": {"x": [0] * 90_000}})
    end, host_functions, _, _ = _held([call] * 12, slow=True)
    assert (end, host_functions.under_way) == (None, 0)


def test_calls_hold_only_so_much_at_a_time() -> None:
    """One that would be more is answered at once, with an error that says what to do."""
    given = {"name": "x", "input_dict": {"x": "y" * 1_900_000}}
    call = _bytes({"kind": "call", "number": 1, "function": "call_agent", "arguments": given})
    wait = _bytes({"kind": "wait", "seconds": 0.5})
    _, host_functions, script, _ = _held([*[call] * 9, wait], slow=True)
    (answer,) = json.loads(script.sent[-1])["answers"]
    assert (
        answer["error"]["message"]
        == "The calls in progress carry too much data. Await each call before making the next."
    )
    assert host_functions.under_way == 0

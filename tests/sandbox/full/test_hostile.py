"""Programs such as an attacker writes, in the full engine: each gets nothing, and what it says is not believed.

Those of the fast engine run here again; they end otherwise, as CPython has what that engine lacks. Those of
`hostile_full/` are made for this engine: for JavaScript below Python, and for the line to the host. Their first line
says how they end, as in `hostile/`. They run side by side, as an interpreter takes a third of a second to boot.
"""

import asyncio
import json
import os
import re
import sys
import time
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import psutil
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.models.wire import JsonObject
from shared.sandbox import CallFailed, HttpAnswer, HttpCall, Limits, ModelAnswer, Outcome, Program, ToolDoc
from shared.sandbox.full.conversation import Conversation, TooManyCalls
from shared.sandbox.full.engine import FullEngine
from shared.sandbox.full.interpreters import Gone, Interpreter
from shared.sandbox.full.messages import MAX_BYTES, Fault
from shared.sandbox.logs import Logs
from tests.sandbox.abilities import CANARY, ScriptedAbilities
from tests.sandbox.conftest import LIMITS, SECRET
from tests.sandbox.full.children import children
from tests.sandbox.programs import code_of, names

ROOT = Path(__file__).parents[3]
TOOLS = {"https://mcp.example.com": ["x"]}
SIDE_BY_SIDE = 3
TIGHT = replace(LIMITS, seconds=6, cpu_seconds=1)
PATIENT = replace(TIGHT, seconds=40)
"""For programs that must come to their end on a machine that has other things to do."""
GENEROUS = replace(LIMITS, seconds=40)
"""For those that have a result, too."""
OUT_OF_TIME = "TimeoutError: The run took longer than 6 s."
GRACE = 4.0
"""Seconds that a run may go on after its limit."""
LONGEST_TRACEBACK = 20_000
NORMAL = (
    "import builtins, os\nasync def run(input_dict, tools):\n"
    "    seen = [name for name in ('evil', 'SECRET') if name in globals() or hasattr(builtins, name)]\n"
    "    return [input_dict['n'] * 2, seen, os.path.exists('/home/evil')]"
)


class _Expected:
    """What the first line of a program says."""

    def __init__(self, code: str) -> None:
        how, _, rest = code.splitlines()[0].removeprefix("# ").partition(": ")
        self.pattern = rest if how == "ends" else None
        self.result = None if how == "ends" else json.loads(rest)

    @property
    def limits(self) -> Limits:
        """Little time for those that may use it up."""
        if self.pattern is None:
            return GENEROUS
        return TIGHT if re.fullmatch(self.pattern, OUT_OF_TIME) else PATIENT

    def holds(self, outcome: Outcome) -> bool:
        if self.pattern is not None:
            return bool(outcome.failure and re.fullmatch(self.pattern, outcome.failure.error, re.DOTALL))
        return outcome.failure is None and outcome.result == self.result


class _Batch:
    """Runs programs side by side, and a normal one after each few of them. `wrong`: what went amiss, by name."""

    def __init__(self, engine: FullEngine, make_abilities: Callable[[], ScriptedAbilities]) -> None:
        self._engine = engine
        self._make_abilities = make_abilities
        self._turns = asyncio.Semaphore(SIDE_BY_SIDE)
        self._ended = 0
        self.wrong: dict[str, str] = {}

    async def run(self, folder: str, programs: list[str], expect: bool) -> None:
        await asyncio.gather(*[self._one(name, code_of(folder, name), expect) for name in programs])

    async def _one(self, name: str, code: str, expect: bool) -> None:
        limits = _Expected(code).limits if expect else TIGHT
        async with self._turns:
            try:
                outcome = await self._engine.run(Program(code, {}, TOOLS), self._make_abilities(), limits)
            except Exception as error:
                self.wrong[f"{name} raises"] = repr(error)
                return
            self._ended += 1
            if self._ended % 10 == 0 and not await self.is_well(self._ended):
                self.wrong[f"a normal program after {name}"] = "wrong"
        if expect and not _Expected(code).holds(outcome):
            self.wrong[name] = _texts(outcome)[:500]
        if found := _told_of_the_host(outcome):
            self.wrong[f"{name} tells"] = ", ".join(found)
        if outcome.seconds > limits.seconds + GRACE:
            self.wrong[f"{name} goes on"] = f"{outcome.seconds:.1f} s"
        if len("\n".join(outcome.logs).encode()) > limits.log_bytes + 100:
            self.wrong[f"{name} prints"] = str(len(outcome.logs))
        if outcome.failure and len(outcome.failure.traceback) > LONGEST_TRACEBACK:
            self.wrong[f"{name} has a traceback"] = str(len(outcome.failure.traceback))

    async def is_well(self, n: int) -> bool:
        """A normal program gives its answer, and sees nothing of any other."""
        outcome = await self._engine.run(Program(NORMAL, {"n": n}), self._make_abilities(), GENEROUS)
        return (outcome.failure, outcome.result, outcome.logs) == (None, [2 * n, [], False], [])


def _texts(outcome: Outcome) -> str:
    failure = outcome.failure
    told = f"{failure.error}\n{failure.traceback}" if failure else ""
    return "\n".join([json.dumps(outcome.result, ensure_ascii=False), told, *outcome.logs])


def _told_of_the_host(outcome: Outcome) -> list[str]:
    """What of this process and of its machine shows in a run's outcome."""
    secrets = {SECRET, CANARY, str(ROOT), sys.prefix, sys.base_prefix, sys.executable}
    environment = {value for value in os.environ.values() if len(value) > 11}
    text = _texts(outcome)
    return [secret for secret in secrets | environment if secret in text]


@pytest.fixture
def batch(full_engine: FullEngine, make_abilities: Callable[[], ScriptedAbilities]) -> _Batch:
    return _Batch(full_engine, make_abilities)


@asynccontextmanager
async def nothing_is_left(batch: _Batch) -> AsyncGenerator[None]:
    """As many processes and open files after it as before."""
    assert await batch.is_well(1)
    await _only_one_is_ready()
    files = psutil.Process().num_fds()
    yield
    assert await batch.is_well(2)
    await _only_one_is_ready()
    async with asyncio.timeout(10):
        while psutil.Process().num_fds() > files:  # noqa: ASYNC110 - the system tells nobody
            await asyncio.sleep(0.1)


async def _only_one_is_ready() -> None:
    await asyncio.sleep(0.5)
    async with asyncio.timeout(30):
        while len(children()) != 1:  # noqa: ASYNC110 - likewise
            await asyncio.sleep(0.1)
    await asyncio.sleep(0.5)


@pytest.mark.long
@pytest.mark.timeout(240)
async def test_programs_against_the_fast_engine_get_nothing(batch: _Batch) -> None:
    """Each ends in time, tells nothing of the host, and disturbs no other; no process and no open file is left."""
    async with nothing_is_left(batch):
        await batch.run("hostile", names("hostile"), expect=False)
    assert batch.wrong == {}


@pytest.mark.timeout(240)
@pytest.mark.parametrize("kind", ["js", "forge", "other"])
async def test_programs_against_the_full_engine_get_nothing(kind: str, batch: _Batch) -> None:
    """Each ends as its first line says; the same holds of them."""
    programs = [name for name in names("hostile_full") if _kind(name) == kind]
    async with nothing_is_left(batch):
        await batch.run("hostile_full", programs, expect=True)
    assert batch.wrong == {}


def _kind(name: str) -> str:
    """Through JavaScript, by what is said to the host, or by Python alone."""
    first = name.partition("_")[0]
    return {"js": "js", "forge": "forge", "raw": "forge", "flood": "forge"}.get(first, "other")


@pytest.mark.timeout(60)
async def test_a_program_leaves_nothing_for_the_next(full_engine: FullEngine, abilities: ScriptedAbilities) -> None:
    """In JavaScript's stores, in files, in prototypes."""
    for name, result in (("js_leave_traces", "left"), ("js_look_for_traces", list[str]())):
        outcome = await full_engine.run(Program(code_of("hostile_full", name), {}), abilities, GENEROUS)
        assert (outcome.failure, outcome.result) == (None, result)


async def test_what_is_said_after_the_result_is_not_done(full_engine: FullEngine, abilities: ScriptedAbilities) -> None:
    """A call that follows a forged result reaches no ability."""
    outcome = await full_engine.run(Program(code_of("hostile_full", "forge_result"), {}), abilities, GENEROUS)
    assert outcome.result == "forged"
    assert abilities.calls.agents == []


@pytest.mark.timeout(60)
@pytest.mark.parametrize("name", ["forge_heavy_arguments", "forge_print_flood", "forge_wait_flood", "forge_call_flood"])
async def test_a_flood_does_not_stop_this_process(
    name: str, full_engine: FullEngine, abilities: ScriptedAbilities
) -> None:
    """A run that says as much as it can takes this process little more time than it may take itself."""
    longest = 0.0

    async def look() -> None:
        nonlocal longest
        while True:
            began = time.thread_time()
            await asyncio.sleep(0.005)
            longest = max(longest, time.thread_time() - began)

    looking = asyncio.create_task(look())
    began = time.process_time()
    outcome = await full_engine.run(Program(code_of("hostile_full", name), {}), abilities, TIGHT)
    computed = time.process_time() - began
    looking.cancel()
    assert outcome.failure
    assert longest < 0.4
    assert computed < 2 * TIGHT.cpu_seconds


def test_there_are_enough() -> None:
    """The corpus does not shrink unnoticed."""
    assert len(names("hostile_full")) >= 45


# The host's side alone: an interpreter that says anything.


class _Script:
    """Stands where an interpreter stands: says what it is given, and then has ended."""

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

    async def send(self, data: bytes) -> None:
        self.sent.append(data)


class _Strict:
    """Abilities that take what their protocol says. `slow`: they never answer. `under_way`: calls that go on."""

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
        self._check(type(call.has_json) is bool, type(call.follow_redirects) is bool)
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
    *("has_json", "data", "content", "follow_redirects", "token", "tool", "arguments", "name", "input_dict"),
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
    st.fixed_dictionaries({"kind": st.just("begun")}),
    st.fixed_dictionaries({"kind": st.just("print"), "text": st.text(max_size=50)}),
    st.fixed_dictionaries({"kind": st.just("dropped"), "bytes": st.integers(0, 2**53 - 1)}),
    st.fixed_dictionaries(
        {
            "kind": st.just("call"),
            "number": st.integers(1, 5),
            "ability": st.sampled_from(ABILITIES),
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
BENT = st.dictionaries(st.sampled_from(["kind", "text", "number", "ability", "arguments", "seconds", "frames"]), JSON)


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
    """What the host makes of it; None where it gives up, in one of the ways that it may."""

    async def held() -> tuple[str | Fault | None, _Strict, _Script, Logs]:
        abilities, script, logs = _Strict(slow), _Script(said), Logs(1000)
        end = None
        async with asyncio.timeout(5):
            try:
                conversation = Conversation(cast(Interpreter, script), abilities, logs)
                end = await conversation.held({"code": ""})
            except (Gone, TooManyCalls):
                pass
        for _ in range(3):
            await asyncio.sleep(0)
        assert len(asyncio.all_tasks()) == 1
        return end, abilities, script, logs

    return asyncio.run(held())


@pytest.mark.timeout(120)
@settings(max_examples=200, deadline=None)
@given(st.lists(st.binary(max_size=60) | (MESSAGES | BENT | LAST).map(_bytes), max_size=8), st.booleans())
def test_whatever_an_interpreter_says_is_an_end_or_is_refused(said: list[bytes], slow: bool) -> None:
    """Bytes that are no message, messages that are none of ours: nothing else is raised, and nothing goes on."""
    end, abilities, _, _ = _held(said, slow)
    assert end is None or isinstance(end, str | Fault)
    assert (abilities.wrong, abilities.under_way) == ([], 0)


@pytest.mark.timeout(120)
@settings(max_examples=200, deadline=None)
@given(st.lists(MESSAGES.map(_bytes), max_size=12), LAST, st.booleans())
def test_messages_in_any_order_are_understood(said: list[bytes], last: JsonObject, slow: bool) -> None:
    """Abilities get what they may be given, every wait is answered, and the end is the one that was told."""
    end, abilities, script, logs = _held([*said, _bytes(last)], slow)
    assert (abilities.wrong, abilities.under_way) == ([], 0)
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
    calls = [_bytes({"kind": "call", "number": n, "ability": "list_tools", "arguments": FITTING}) for n in numbers]
    wait = _bytes({"kind": "wait", "seconds": 0.01})
    _, _, script, _ = _held([*calls, *[wait] * (len(calls) + 2)], slow=False)
    answers = [answer for sent in script.sent[1:] for answer in json.loads(sent)["answers"]]
    assert sorted(answer["number"] for answer in answers) == sorted(numbers)


def test_calls_without_end_are_refused() -> None:
    """Before there is no room for them."""
    call = _bytes({"kind": "call", "number": 1, "ability": "list_tools", "arguments": {}})
    end, abilities, _, _ = _held([call] * 20_001, slow=True)
    assert (end, abilities.under_way) == (None, 0)

"""Runs some programs before the snapshot is taken, as a warm-up.

CPython specializes code that runs often, and fills caches. The warm-up makes the results part of the snapshot.
Otherwise, each run would repeat this work, and every page of memory that it changes would have to be copied.
"""

import json
import random
import sys
import time
from types import CodeType

from shared.sandbox.guest.main import Guest

_TIMES = 30
_CODE = """
import asyncio, json, datetime, math, re, uuid, random, collections, dataclasses

@dataclasses.dataclass
class Point:
    x: int
    y: int = 2

async def run(input_dict, tools):
    response = await http_client.get("http://x", params={"a": 1})
    response.raise_for_status()
    content, thoughts = await call_llm(provider="p", model="m", messages=[{"role": "user", "content": "x"}])
    await asyncio.gather(*[asyncio.sleep(0) for _ in range(3)])
    print(content, response.json(), f"{math.pi:.2f}", re.sub("a+", "b", "aaa"))
    try:
        {}["x"]
    except KeyError as error:
        print(str(error))
    return {"a": [Point(n).x for n in range(3)], "b": str(uuid.uuid4()), "c": json.dumps({"d": 1.5})}
"""
_ANSWERS = {
    "http": {"status_code": 200, "reason": "OK", "headers": [["a", "b"]], "content": "e30=", "url": "http://x"},
    "call_model": {
        "content": "x",
        "thoughts": None,
        "model": "m",
        "finish_reason": "stop",
        "prompt_tokens": 1,
        "completion_tokens": 1,
        "total_tokens": 2,
    },
}


class _Host:
    """Sends a program and answers its calls, like the host."""

    def __init__(self, code: str) -> None:
        self._program = {
            "code": code,
            "input_dict": {"inputText": "x"},
            "tools": {"http://x": ["y"]},
            "log_bytes": 10_000,
            "result_bytes": 10_000,
            "only_load": False,
        }
        self._waiting: list[dict[str, object]] = []
        self._has_started = False
        self.end = ""

    def receive(self) -> str:
        if not self._has_started:
            self._has_started = True
            return json.dumps(self._program)
        answers, self._waiting = self._waiting, []
        return json.dumps({"answers": answers})

    def send(self, message: str) -> None:
        line, _, text = message.partition("\n")
        fields = json.loads(line)
        if fields["kind"] == "call":
            self._waiting.append({"number": fields["number"], "value": _ANSWERS[fields["function"]]})
        elif fields["kind"] in ("done", "failed"):
            self.end = f"{fields['kind']} {text}"


def list_called() -> set[CodeType]:
    """Runs the programs. Returns the codes of the functions that they call."""
    called: set[CodeType] = set()
    sys.setprofile(lambda frame, _event, _argument: called.add(frame.f_code))
    try:
        warm_up(times=1)
    finally:
        sys.setprofile(None)
    return called


def warm_up(times: int = _TIMES) -> None:
    """Runs the programs this many times, and restores all state that they visibly change."""
    saved = sys.stdout, sys.stderr, time.sleep, random.getstate()
    try:
        for _ in range(times):
            for code, expected in (
                (_CODE, "done"),
                ("async def run(input_dict, tools):\n    return 1 / 0", "failed"),
            ):
                host = _Host(code)
                Guest(host.receive, host.send).run()
                if not host.end.startswith(expected):
                    raise RuntimeError(host.end)
    finally:
        sys.stdout, sys.stderr, time.sleep = saved[:3]
        random.setstate(saved[3])
    del sys.modules["agent"]

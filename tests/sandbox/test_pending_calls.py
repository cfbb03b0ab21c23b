"""The error of a timed-out run, which names the calls that the run was waiting for."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from shared.sandbox import CallFailed, Program
from shared.sandbox.engine import WasmEngine
from tests.sandbox.conftest import LIMITS

RUN = "async def run(input_dict, tools):\n    "
MCP = "https://me@mcp.example:8443/x?key=secret"


class EndlessHostFunctions:
    """`HostFunctions` that never answer, except for model calls, which fail after `seconds`."""

    def __init__(self, seconds: float = 60) -> None:
        self._seconds = seconds

    async def _wait(self, *_arguments: Any, **_named: Any) -> Any:
        await asyncio.Event().wait()

    http = call_tool = list_tools = call_agent = _wait

    async def call_model(self, *_arguments: Any, **_named: Any) -> Any:
        await asyncio.sleep(self._seconds)
        raise CallFailed("It took too long to answer.")


@pytest.mark.parametrize(
    ("code", "pending_calls"),
    [
        ("return await call_llm('local', 'small', 'hi')", "local/small"),
        ("return (await http_client.get('https://api.example/v1?key=secret')).text", "api.example"),
        ("return await mcpc[input_dict['url']].list_tools()", "the tools of mcp.example:8443"),
        ("return await mcpc[input_dict['url']].call('look')", "the tool look"),
        ("return await gofannon_client.call('Helper', {})", "the agent Helper"),
        (
            "return await asyncio.gather(*[gofannon_client.call(n, {}) for n in 'abbcde'])",
            "the agent a, the agent b, the agent c and 2 more",
        ),
    ],
)
async def test_the_error_of_a_timed_out_run_names_its_pending_calls(
    engine: WasmEngine, code: str, pending_calls: str
) -> None:
    """Pending calls are shown by name, and of URLs only the host is shown."""
    program = Program("import asyncio\n" + RUN + code, {"url": MCP}, {MCP: ["look"]})
    outcome = await engine.run(program, EndlessHostFunctions(), replace(LIMITS, seconds=0.5))
    assert outcome.failure is not None
    assert outcome.failure.error == f"TimeoutError: The run took longer than 0.5 s; it was waiting for {pending_calls}."


async def test_a_finished_call_is_not_named(engine: WasmEngine) -> None:
    """The error does not name a call that had ended before the timeout."""
    code = RUN + "try: await call_llm('local', 'small', 'hi')\n    except RuntimeError: await asyncio.sleep(60)"
    outcome = await engine.run(Program(code, {}), EndlessHostFunctions(0.1), replace(LIMITS, seconds=1))
    assert outcome.failure is not None
    assert outcome.failure.error == "TimeoutError: The run took longer than 1 s."

"""Runs agent code with a real HTTP API, MCP server and Firestore, and a scripted model server over HTTP."""

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest

from shared.llm.catalog import ModelRoute
from shared.models.account import Account
from shared.models.caller import Caller
from shared.models.chat import ChatRequest, ChatResult
from shared.models.errors import AllowanceSpent, CodeFailed
from shared.models.run import RunCodeRequest
from shared.settings import Settings
from tests.conftest import Lines
from tests.database_data import store_account
from tests.doubles.api_server import ApiServer
from tests.doubles.mcp_server import McpServer
from tests.doubles.model_server import Answer, ModelServer
from tests.services.agents.running import MODEL_CALLER, create_runs, run, run_and_fail
from tests.services.harness import Harness, create_run_service


@pytest.fixture
def settings(settings: Settings, api_server: ApiServer, mcp_server: McpServer) -> Settings:
    return settings.model_copy(update={"outbound_allowed_hosts": (api_server.host, mcp_server.host)})


async def test_code_runs_and_returns_its_output(harness: Harness, caller: Caller) -> None:
    """The response contains the result, the printed lines and the duration. A run without calls creates no account."""
    code = "async def run(input_dict, tools):\n    print('working')\n    return {'outputText': input_dict['a'] * 2}"
    response = await run(harness, caller, code, {"a": "é"})
    assert (response.result, response.logs, response.error) == ({"outputText": "éé"}, ["working"], None)
    assert response.duration_ms >= 0
    assert await harness.database.accounts.get(caller.uid) is None


async def test_a_failure_is_reported_with_the_agents_own_lines(harness: Harness, caller: Caller) -> None:
    """The response contains the error with its type, the printed lines, and a traceback with only the agent's lines."""
    code = (
        "def half(x):\n    return 1 / x\n\nasync def run(input_dict, tools):\n    print('before')\n    return half(0)"
    )
    failed = await run_and_fail(harness, caller, code)
    assert failed.status == 400
    assert failed.body == {
        "error": "ZeroDivisionError: division by zero",
        "logs": ["before"],
        "traceback": (
            "Traceback (most recent call last):\n"
            '  File "agent.py", line 6, in run\n    return half(0)\n'
            '  File "agent.py", line 2, in half\n    return 1 / x\n'
            "ZeroDivisionError: division by zero"
        ),
        "engine": "python",
    }


async def test_code_that_cannot_run_is_rejected_before_it_runs(
    harness: Harness, caller: Caller, api_server: ApiServer
) -> None:
    """The error names the line and suggests a replacement, and no request is sent."""
    code = (
        "async def run(input_dict, tools):\n"
        f"    await http_client.get('{api_server.address}/echo')\n"
        "    return httpx.get('https://example.com')"
    )
    failed = await run_and_fail(harness, caller, code)
    assert "line 3" in failed.message
    assert "`await http_client.get(...)`" in failed.message
    assert api_server.calls == []


async def test_code_with_classes_makes_each_call_once(
    harness: Harness, caller: Caller, api_server: ApiServer, model_server: ModelServer, lines: Lines
) -> None:
    """Code with classes makes each of its calls once, each call is charged once, and the run has one log line."""
    model_server.script("Why?", Answer("Because.", prompt_tokens=1000, completion_tokens=100))
    code = (
        "class NoAnswer(Exception):\n    pass\n\n"
        "async def run(input_dict, tools):\n"
        "    async with httpx.AsyncClient() as client:\n"
        f"        echoed = (await client.post('{api_server.address}/echo', json={{'n': 1}})).json()\n"
        "    answer, _ = await call_llm(provider='openai', model='gpt-4.1-mini', "
        "messages=[{'role': 'user', 'content': 'Why?'}])\n"
        "    return [echoed['method'], answer]"
    )
    response = await run(harness, caller, code)
    assert response.result == ["POST", "Because."]
    assert response.engine == "python"
    assert len(api_server.calls) == 1
    assert await harness.get_charges(caller.uid) == [560]
    assert [line["message"] for line in lines()].count("A run ended") == 1


async def test_without_allowance_no_model_is_called(
    harness: Harness, caller: Caller, model_server: ModelServer
) -> None:
    """The run ends with 402 unless the code catches the error and continues without the model."""
    now = datetime.now(UTC)
    await store_account(
        harness.database, Account(uid=caller.uid, allowance=9, remaining=0, created_at=now, updated_at=now)
    )
    with pytest.raises(AllowanceSpent):
        await run(harness, caller, MODEL_CALLER, {"question": "Why?"})
    caught = MODEL_CALLER.replace("    content", "    try:\n     content", 1).replace(
        '    return {"outputText": content}', '    except RuntimeError as error:\n     return "without"\n    return 1'
    )
    assert (await run(harness, caller, caught, {"question": "Why?"})).result == "without"
    assert model_server.calls == []


async def test_concurrent_calls_do_not_overspend(harness: Harness, caller: Caller, model_server: ModelServer) -> None:
    """Of twenty concurrent calls, only those that the allowance covers are made, and exactly these are charged."""
    now = datetime.now(UTC)
    await store_account(
        harness.database, Account(uid=caller.uid, allowance=3000, remaining=3000, created_at=now, updated_at=now)
    )
    code = """
async def run(input_dict, tools):
    async def ask(number):
        try:
            await call_llm("openai", "gpt-4.1-mini", str(number), {"max_tokens": 500})
            return True
        except RuntimeError:
            return False
    return sum(await asyncio.gather(*[ask(number) for number in range(20)]))
"""
    response = await run(harness, caller, code)
    charged = await harness.get_charges(caller.uid)
    account = await harness.account(caller.uid)
    assert response.result == len(charged) == len(model_server.calls)
    assert 0 < len(charged) < 20
    assert (account.remaining, account.held) == (3000 - sum(charged), 0)


async def test_a_run_has_its_own_budget(harness: Harness, caller: Caller, model_server: ModelServer) -> None:
    """The money and calls of a run are limited regardless of its payer's allowance; the error names the limit."""
    harness.runs = create_runs(harness, run_max_cost=0.001, run_max_calls=3)
    code = """
async def run(input_dict, tools):
    for number in range(9):
        await call_llm(provider="openai", model="gpt-4.1-mini", messages=str(number), parameters={"max_tokens": 500})
"""
    assert "may spend at most $0.001" in (await run_and_fail(harness, caller, code)).message
    harness.runs = create_runs(harness, run_max_calls=3)
    assert "may make at most 3 calls" in (await run_and_fail(harness, caller, code)).message


async def test_an_abandoned_call_is_charged_when_it_ends(
    harness: Harness, caller: Caller, model_server: ModelServer
) -> None:
    """A run that times out during a call ends with a clear error, and the call is charged, because it is billed."""
    await harness.users.get(caller)
    impatient = create_runs(harness, run_timeout_seconds=0.7)
    model_server.script("slow", Answer("late", delay=1.5))
    with pytest.raises(CodeFailed, match="took"):
        await impatient.run_code(caller, RunCodeRequest(code=MODEL_CALLER, input_dict={"question": "slow"}))
    assert (await harness.account(caller.uid)).held > 0
    await wait_until_settled(harness, caller)
    assert len(await harness.get_charges(caller.uid)) == 1


async def test_a_free_call_ends_with_its_run(harness: Harness, caller: Caller) -> None:
    """A call to a free model is cancelled with its run, so that the next caller does not have to wait for it."""
    ended = asyncio.Event()

    async def never_answer(route: ModelRoute, request: ChatRequest, timeout: float, live: object = None) -> ChatResult:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()
        raise AssertionError

    impatient = create_run_service(
        harness.database,
        harness.catalog,
        never_answer,
        harness.settings.model_copy(update={"run_timeout_seconds": 0.7}),
    )
    code = MODEL_CALLER.replace("openai", "local").replace("gpt-4.1-mini", "smollm2-135m-instruct")
    with pytest.raises(CodeFailed, match="took"):
        await impatient.run_code(caller, RunCodeRequest(code=code, input_dict={"question": "slow"}))
    async with asyncio.timeout(5):
        await ended.wait()


async def test_a_tiny_timeout_does_not_make_a_call_free(
    harness: Harness, caller: Caller, model_server: ModelServer
) -> None:
    """A caller who stops waiting for an answer pays for it. The first call only opens the connections."""
    await run(harness, caller, MODEL_CALLER, {"question": "Why?"})
    code = """
async def run(input_dict, tools):
    try:
        await call_llm("openai", "gpt-4.1-mini", "slow", {"max_tokens": 50}, timeout=1)
    except RuntimeError as error:
        return str(error)
"""
    model_server.script("slow", Answer("late", delay=2))
    assert (await run(harness, caller, code)).result == "OpenAI took too long to answer."
    await wait_until_settled(harness, caller)
    assert len(await harness.get_charges(caller.uid)) == 2


async def test_a_cancelled_run_leaves_no_hold(
    harness: Harness, caller: Caller, model_server: ModelServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If a run is cancelled while the hold is committed, the call is not made, and no hold remains."""
    await harness.users.get(caller)
    api = harness.database._client._firestore_api  # pyright: ignore[reportPrivateUsage]
    commit, committing = api.commit, asyncio.Event()

    async def slow_commit(*args: Any, **kwargs: Any) -> Any:
        committing.set()
        await asyncio.sleep(0.3)
        return await commit(*args, **kwargs)

    monkeypatch.setattr(api, "commit", slow_commit)
    task = asyncio.create_task(run(harness, caller, MODEL_CALLER, {"question": "Why?"}))
    await committing.wait()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await asyncio.sleep(0.4)
    await wait_until_settled(harness, caller)
    assert model_server.calls == []
    assert await harness.get_charges(caller.uid) == []


async def wait_until_settled(harness: Harness, caller: Caller) -> None:
    """Waits until the caller's account has no holds."""
    async with asyncio.timeout(10):
        while (await harness.account(caller.uid)).held:  # noqa: ASYNC110 - the database has no event to wait for
            await asyncio.sleep(0.02)

"""Tests calls of the MCP server that outlast their request, that ask questions, and whose client leaves."""

import asyncio
from typing import Any

import pytest
from mcp_types import CallToolRequestParams, ElicitResult

from shared.models.chat import TicketStatus
from shared.store import Database
from shared.web import mcp_response
from tests.functions.mcp_clients import (
    MODERN,
    OLDER,
    VERSIONS,
    Reports,
    TaskId,
    Tasks,
    ask,
    connected,
    error_of,
    text_of,
)
from tests.functions.mcp_service import ME, SLOW, WorkedService, ended_run, only_run, runs_of
from tests.functions.mcp_service import serve_mcp as serve_mcp
from tests.functions.mcp_service import service as service
from tests.services.publishing import publish

ASKING = """
async def run(input_dict, tools):
    answer = await ask("Really?", choices=["yes", "no"])
    return {"answer": answer}
"""
ASKING_OFTEN = """
import asyncio

async def run(input_dict, tools):
    first, second, third = await asyncio.gather(ask("one"), ask("two", choices=["2"]), ask("three"))
    return {"answers": [first, second, third]}
"""
STUCK = "import asyncio\n\nasync def run(input_dict, tools):\n    await asyncio.sleep(50)"

pytestmark = pytest.mark.timeout(180)


@pytest.mark.long
@VERSIONS
async def test_a_call_of_two_minutes_is_waited_for(service: WorkedService, database: Database, mode: str) -> None:
    """At the function's own address, neither version needs anything else for it."""
    await publish(database, ME, "slow", SLOW)
    async with connected(service, mode, path="/own/mcp/mcp", read_timeout_seconds=200) as client:
        assert text_of(await client.call_tool("slow", {"n": 240})) == "slept"


async def test_a_long_call_is_a_task(
    service: WorkedService, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A client that supports tasks gets one, whose id is the run's, and its result from there."""
    monkeypatch.setattr(mcp_response, "TASK_SECONDS", 0.3)
    await publish(database, ME, "slow", SLOW)
    tasks = Tasks()
    async with connected(service, MODERN, extensions=[tasks]) as client:
        result = await client.call_tool("slow", {"n": 3})
        assert (text_of(result), result.is_error) == ("slept", False)
        run = await only_run(database)
        assert {state["taskId"] for state in tasks.seen} == {run.id}
        assert {state["status"] for state in tasks.seen} == {"working", "completed"}
        assert {state["resultType"] for state in tasks.seen} == {"complete"}
        assert tasks.seen[0]["ttlMs"] == 30 * 86_400_000
        unknown = TaskId(task_id="7b0f0d0e-5d0b-4c56-8f5e-6f7f3f1c2a10")
        for method in ("tasks/get", "tasks/cancel"):
            assert (await error_of(ask(client.session, method, unknown))).code == -32602
    for mode, code in ((MODERN, -32021), (OLDER, -32601)):
        async with connected(service, mode) as client:
            assert (await error_of(ask(client.session, "tasks/get", unknown))).code == code


async def test_a_task_is_cancelled(service: WorkedService, database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its run ends, too."""
    monkeypatch.setattr(mcp_response, "TASK_SECONDS", 0.1)
    await publish(database, ME, "stuck", STUCK)
    tasks = Tasks()
    tasks.stop_at = "working"
    async with connected(service, MODERN, extensions=[tasks]) as client:
        assert (await client.call_tool("stuck", {})).is_error
    assert tasks.seen[-1]["status"] == "cancelled"
    assert (await only_run(database)).status is TicketStatus.CANCELLED


@pytest.mark.parametrize("action", ["accept", "decline"])
async def test_a_task_asks(
    service: WorkedService, database: Database, monkeypatch: pytest.MonkeyPatch, action: Any
) -> None:
    """A client that shows forms gets the questions of its tasks. Whoever refuses to answer cancels the run."""
    monkeypatch.setattr(mcp_response, "TASK_SECONDS", 0)
    await publish(database, ME, "asking", ASKING)
    forms: list[dict[str, Any]] = []

    def on_input(form: dict[str, Any]) -> ElicitResult:
        forms.append(form)
        return ElicitResult(action=action, content={"answer": "yes"} if action == "accept" else None)

    async def on_form(*_: object) -> ElicitResult:
        raise AssertionError("The question belongs to the task.")

    tasks = Tasks(on_input)
    async with connected(service, MODERN, extensions=[tasks], elicitation_callback=on_form) as client:
        result = await client.call_tool("asking", {})
    assert forms[0]["method"] == "elicitation/create"
    assert forms[0]["params"]["message"] == "Really?"
    assert forms[0]["params"]["requestedSchema"] == {
        "type": "object",
        "properties": {"answer": {"type": "string", "enum": ["yes", "no"]}},
        "required": ["answer"],
    }
    assert result.is_error is (action == "decline")
    assert (await ended_run(database)).status == ("completed" if action == "accept" else "cancelled")


async def test_a_question_interrupts_the_call(service: WorkedService, database: Database) -> None:
    """Without tasks, the client gets the question instead of a result, and goes on waiting after the answer."""
    await publish(database, ME, "asking", ASKING)
    answers = iter([{"answer": "perhaps"}, {"answer": "no"}])

    async def on_form(*_: object) -> ElicitResult:
        return ElicitResult(action="accept", content=dict(next(answers)))

    async with connected(service, MODERN, elicitation_callback=on_form) as client:
        result = await client.call_tool("asking", {})
    assert result.structured_content == {"answer": "no"}
    assert (await only_run(database)).status is TicketStatus.COMPLETED


@pytest.mark.parametrize(
    ("schema", "fields", "answer", "returned"),
    [
        ({"type": "integer"}, {"answer": {"type": "integer"}}, {"answer": 5}, 5),
        ({"name": "string"}, {"name": {"type": "string"}}, {"name": "Ada"}, {"name": "Ada"}),
    ],
)
async def test_an_answer_fits_the_form(
    service: WorkedService, database: Database, schema: Any, fields: Any, answer: Any, returned: Any
) -> None:
    """What a person can enter into the form is what the question accepts."""
    code = f"async def run(input_dict, tools):\n    return {{'answer': await ask('Which?', schema={schema})}}"
    await publish(database, ME, "asking", code)
    forms: list[Any] = []

    async def on_form(_context: object, params: Any) -> ElicitResult:
        forms.append(params.requested_schema["properties"])
        return ElicitResult(action="accept", content=answer)

    async with connected(service, MODERN, elicitation_callback=on_form) as client:
        result = await client.call_tool("asking", {})
    assert forms == [fields]
    assert result.structured_content == {"answer": returned}


@pytest.mark.parametrize("with_tasks", [False, True])
async def test_questions_are_answered_together(
    service: WorkedService, database: Database, monkeypatch: pytest.MonkeyPatch, with_tasks: bool
) -> None:
    """Nobody is asked twice, although the first answer has the run continue. An answer is missing: it is asked for."""
    if with_tasks:
        monkeypatch.setattr(mcp_response, "TASK_SECONDS", 0)
    await publish(database, ME, "asking", ASKING_OFTEN)
    messages: list[str] = []

    def answer(message: str) -> ElicitResult:
        messages.append(message)
        numbers = {"one": "1", "two": "2", "three": "3"}
        return ElicitResult(action="accept", content={"answer": numbers[message]})

    async def on_form(_context: object, params: Any) -> ElicitResult:
        return answer(params.message)

    extensions = [Tasks(lambda form: answer(form["params"]["message"]))] if with_tasks else []
    async with connected(service, MODERN, extensions=extensions, elicitation_callback=on_form) as client:
        result = await client.call_tool("asking", {})
    assert result.structured_content == {"answers": ["1", "2", "3"]}
    assert sorted(messages) == ["one", "three", "two"]


@VERSIONS
async def test_a_client_that_cannot_ask_is_told_how_to_answer(
    service: WorkedService, database: Database, mode: str
) -> None:
    """The run keeps waiting."""
    await publish(database, ME, "asking", ASKING)
    async with connected(service, mode) as client:
        result = await client.call_tool("asking", {})
    run = await only_run(database)
    assert result.is_error
    assert "Really?" in text_of(result)
    assert f"POST /runs/{run.id}/answer" in text_of(result)
    assert run.status is TicketStatus.WAITING


@pytest.mark.parametrize(("path", "limit"), [("/mcp", "MAX_SECONDS"), ("/api/mcp", "HOSTING_SECONDS")])
async def test_a_call_outlasts_its_request(
    service: WorkedService, database: Database, monkeypatch: pytest.MonkeyPatch, path: str, limit: str
) -> None:
    """A client of the newest version repeats the request, and waits for the same run, which is reported only once.

    Requests through Hosting have a shorter limit than others.
    """
    monkeypatch.setattr(mcp_response, limit, 1)
    await publish(database, ME, "slow", SLOW)
    lines = Reports()

    async with connected(service, MODERN, path=path) as client:
        assert text_of(await client.call_tool("slow", {"n": 5}, progress_callback=lines)) == "slept"
        assert (await error_of(client.call_tool("slow", {}, request_state="made up"))).code == -32602
    assert [message for message in lines.messages if message.startswith("step")] == [f"step {n}" for n in range(5)]
    assert (await only_run(database)).attempts == 1


async def test_what_a_run_did_between_two_requests_is_reported(
    service: WorkedService, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also when it ended before the second one, which returns its result."""
    monkeypatch.setattr(mcp_response, "MAX_SECONDS", 0.05)
    await publish(database, ME, "slow", SLOW)
    lines = Reports()
    async with connected(service, MODERN) as client:
        first = await ask(client.session, "tools/call", CallToolRequestParams(name="slow", arguments={"n": 3}))
        await ended_run(database)
        result = await client.call_tool("slow", {}, request_state=first["requestState"], progress_callback=lines)
    assert text_of(result) == "slept"
    assert [message for message in lines.messages if message.startswith("step")] == ["step 0", "step 1", "step 2"]


async def test_an_older_client_is_told_which_run_goes_on(
    service: WorkedService, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its run is not lost, and the error says that another call would be another run."""
    monkeypatch.setattr(mcp_response, "MAX_SECONDS", 0.5)
    await publish(database, ME, "slow", SLOW)
    async with connected(service, OLDER) as client:
        result = await client.call_tool("slow", {"n": 4})
        run = await only_run(database)
        assert result.is_error
        assert f"GET /runs/{run.id}" in text_of(result)
        assert "another run" in text_of(result)
        assert (await ended_run(database)).status is TicketStatus.COMPLETED


@VERSIONS
async def test_a_client_that_leaves_cancels_its_call(service: WorkedService, database: Database, mode: str) -> None:
    """Nobody would get the result."""
    await publish(database, ME, "stuck", STUCK)
    async with connected(service, mode) as client:
        calling = asyncio.create_task(client.call_tool("stuck", {}))
        async with asyncio.timeout(30):
            while not await runs_of(database):  # noqa: ASYNC110 - a request starts it
                await asyncio.sleep(0.05)
        calling.cancel()
        await asyncio.gather(calling, return_exceptions=True)
    assert (await ended_run(database)).status is TicketStatus.CANCELLED

"""Tests the routes of runs: shapes, ownership, questions, steps, events, and what the public sees of a run."""

import asyncio
import json
from datetime import timedelta
from typing import Any

import pytest

import functions.chat.main as chat
import functions.deployments.main as deployments
import functions.runs.main as runs
from shared import clock
from shared.models.agent_run import StepStatus
from shared.models.caller import Caller
from shared.models.journal import first_segment
from shared.services.agents.questions import encode_schema
from shared.store import Database
from tests.functions.conftest import AuthHeaders, Serve
from tests.functions.test_events import receive
from tests.services.chat.stored_runs import add_run, ask, complete_run, put_run, question, segment, step
from tests.services.publishing import publish

ME = Caller(uid="local-dev-user")
OTHER = Caller(uid="other")


@pytest.mark.parametrize("path", ["/api/runs", "/runs", ""])
async def test_a_run_is_started_and_found(serve: Serve, database: Database, path: str) -> None:
    """A started run is pending, and look-ups and the list find it. The same key starts it only once."""
    agent = await publish(database, ME, "echo")
    client = serve(runs)
    headers = {"Idempotency-Key": "one"}
    body = {"friendlyName": "echo", "input": {"inputText": "x"}}
    started = await client.post(path, json=body, headers=headers)
    assert started.json() == {"run_id": started.json()["run_id"], "status": "pending"}
    again = await client.post(path, json=body, headers=headers)
    assert again.json() == started.json()
    assert again.headers["idempotent-replayed"] == "true"
    run = (await client.get(f"{path}/{started.json()['run_id']}")).json()
    assert (run["status"], run["input"], run["agentId"], run["friendlyName"]) == (
        *("pending", {"inputText": "x"}),
        *(agent.id, "echo"),
    )
    (listed,) = (await client.get("/runs", params={"agentId": agent.id, "status": "pending"})).json()
    assert listed == {**run, "input": None}
    assert (await client.get("/runs", params={"status": "failed"})).json() == []


async def test_a_chat_with_an_agent_is_a_run(serve: Serve, database: Database) -> None:
    """Its input is the newest message. A chat with a model is not a run."""
    await publish(database, ME, "echo")
    body: Any = {"messages": [{"role": "user", "content": "hi"}], "provider": "gofannon", "model": "echo"}
    ticket = (await serve(chat).post("/chat", json=body)).json()["ticket_id"]
    run = (await serve(runs).get(f"/runs/{ticket}")).json()
    assert (run["input"], run["agentId"]) == ({"inputText": "hi"}, None)
    body |= {"provider": "openai", "model": "gpt-4.1-mini"}
    ticket = (await serve(chat).post("/chat", json=body)).json()["ticket_id"]
    for route in ("", "/steps", "/events"):
        assert (await serve(runs).get(f"/runs/{ticket}{route}")).status_code == 404
    for route in ("/cancel", "/answer"):
        assert (await serve(runs).post(f"/runs/{ticket}{route}", json={"answer": 1})).status_code == 404


async def test_a_finished_run_has_its_result_and_its_log(serve: Serve, database: Database) -> None:
    """The result is what the agent returned, with its cost, and the log has the lines of all attempts."""
    run = await add_run(database)
    await complete_run(
        database, run, segment(1, logs=("a", "b")), segment(2), segment(1_000_001, attempt=2, logs=("c",))
    )
    shown = (await serve(runs).get(f"/runs/{run.id}")).json()
    assert (shown["status"], shown["result"], shown["cost"]) == ("completed", {"outputText": "Hello"}, 0.25)
    assert (shown["logs"], shown["attempts"]) == (["a", "b", "c"], 1)
    cancelled = await serve(runs).post(f"/runs/{run.id}/cancel")
    assert cancelled.json() == shown


async def test_steps_are_merged_by_their_call(serve: Serve, database: Database) -> None:
    """A step that has ended replaces the one that began, and keeps its number, also in a later attempt."""
    run = await add_run(database)
    first, second = segment(1, step("1"), step("2")), segment(2, step("2", StepStatus.COMPLETED, preview="200 OK"))
    later = segment(first_segment(2), step("1", StepStatus.INTERRUPTED), step("3.1"), attempt=2)
    await put_run(database, run, first, second, later)
    steps = (await serve(runs).get(f"/runs/{run.id}/steps")).json()
    assert [(each["n"], each["call"], each["status"]) for each in steps] == [
        (1, "1", "interrupted"),
        (2, "2", "completed"),
        (3, "3.1", "running"),
    ]
    assert steps[1]["preview"] == "200 OK"


async def test_events_continue_after_the_cursor(serve: Serve, database: Database) -> None:
    """Only the last event of a segment has an id. Gaps between attempts are no obstacle, and steps keep their numbers.

    `done` has the run as look-ups return it.
    """
    run = await add_run(database)
    first = segment(1, step("1"), logs=("a",))
    later = segment(first_segment(2) + 1, step("1", StepStatus.COMPLETED), step("2"), attempt=2)
    await complete_run(database, run, first, segment(2), later)
    client = serve(runs)
    async with client.stream("GET", f"/runs/{run.id}/events") as response:
        events = await receive(response)
    last = str(first_segment(2) + 1)
    assert [(event.name, event.id) for event in events] == [
        *(("log", None), ("step", "1")),
        *(("step", None), ("step", last), ("done", last)),
    ]
    assert [event.data["n"] for event in events if event.name == "step"] == [1, 1, 2]
    assert events[-1].data == (await client.get(f"/runs/{run.id}")).json()
    async with client.stream("GET", f"/runs/{run.id}/events", headers={"Last-Event-ID": "1"}) as response:
        rest = await receive(response)
    assert [event.data for event in rest] == [event.data for event in events[2:]]


async def test_a_watched_run_is_streamed_until_its_end(serve: Serve, database: Database) -> None:
    """Segments and the end that are written while a client watches reach it, in their order."""
    run = await add_run(database)

    async def work() -> None:
        for n in range(1, 4):
            await put_run(database, run, segment(n, step(str(n))))
        await complete_run(database, run, segment(4, logs=("last",)))

    working = asyncio.create_task(work())
    async with serve(runs).stream("GET", f"/runs/{run.id}/events") as response:
        events = await receive(response)
    await working
    names = [event.name for event in events if event.name != "status"]
    assert names == ["step", "step", "step", "log", "done"]


async def test_a_question_is_answered_once(serve: Serve, database: Database) -> None:
    """The run continues, with the answer. Of several answers at the same time, one is accepted; the others get 409."""
    run = await ask(database, question(choices=["yes", "no"]))
    client = serve(runs)
    asked = (await client.get(f"/runs/{run.id}")).json()
    assert asked["status"] == "waiting"
    assert asked["question"] == asked["questions"][0]
    assert (asked["question"]["question"], asked["question"]["choices"]) == ("Really?", ["yes", "no"])
    wrong = await client.post(f"/runs/{run.id}/answer", json={"answer": "perhaps"})
    assert wrong.status_code == 422
    assert "yes, no" in wrong.text
    posts = [client.post(f"/runs/{run.id}/answer", json={"answer": "yes"}) for _ in range(5)]
    responses = await asyncio.gather(*posts)
    assert sorted(response.status_code for response in responses) == [200, *[409] * 4]
    (accepted,) = (response.json() for response in responses if response.status_code == 200)
    assert (accepted["status"], accepted["questions"]) == ("pending", [])
    stored = await database.tickets.get(run.id)
    assert stored is not None
    assert (stored.questions[0].read_answer(), stored.tasks) == ("yes", run.tasks + 1)


async def test_an_answer_must_fit_its_question(serve: Serve, database: Database) -> None:
    """`call` selects the question. An answer that does not fit the schema, or is too large, gets 422."""
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}}
    run = await ask(database, question("1"), question("2", schema=schema))
    client = serve(runs)
    shown = (await client.get(f"/runs/{run.id}")).json()
    assert [each["schema"] for each in shown["questions"]] == [None, schema]
    for answer, call in (({"n": "x"}, "2"), ("x" * 70_000, "1")):
        response = await client.post(f"/runs/{run.id}/answer", json={"answer": answer, "call": call})
        assert response.status_code == 422
    assert (await client.post(f"/runs/{run.id}/answer", json={"answer": 1, "call": "3"})).status_code == 409
    response = await client.post(f"/runs/{run.id}/answer", json={"answer": {"n": 1}, "call": "2"})
    assert [each["call"] for each in response.json()["questions"]] == ["1"]


@pytest.mark.parametrize(
    ("schema", "answer", "wrong"),
    [
        ({"type": "boolean"}, True, "true"),
        ({"type": "integer", "minimum": 1}, 1, {"type": 1, "minimum": 1}),
        ({"enum": [1, 2]}, 2, 3),
        ({"type": ["string", "null"]}, None, 1),
        ({"type": "array", "items": {"type": "string"}}, ["a"], {"type": "a", "items": {"type": "b"}}),
        ({"$ref": "#/$defs/a", "$defs": {"a": {"type": "string"}}}, "a", 1),
        ({"name": "string", "age": "integer"}, {"name": "Ada", "age": 36}, {"name": "Ada"}),
    ],
)
async def test_the_schema_of_an_answer_is_json_schema(
    serve: Serve, database: Database, schema: Any, answer: Any, wrong: Any
) -> None:
    """An answer need not be an object, so what looks like the schema of a field is one. The short form works, too."""
    assert await encode_schema(schema) == json.dumps(schema)
    run = await ask(database, question(schema=schema))
    client = serve(runs)
    assert (await client.post(f"/runs/{run.id}/answer", json={"answer": wrong})).status_code == 422
    assert (await client.post(f"/runs/{run.id}/answer", json={"answer": answer})).status_code == 200


async def test_a_run_that_asks_nothing_takes_no_answer(serve: Serve, database: Database) -> None:
    """409, with `Retry-After` while a worker has the run, for an expired question, and after the end."""
    client = serve(runs)
    running = await add_run(database)
    response = await client.post(f"/runs/{running.id}/answer", json={"answer": 1})
    assert (response.status_code, response.headers["retry-after"]) == (409, "1")
    expired = await ask(database, question(expires_at=clock.now() - timedelta(seconds=1)))
    for run in (expired, await ask(database), await complete_run(database, running)):
        response = await client.post(f"/runs/{run.id}/answer", json={"answer": 1})
        assert response.status_code == 409
        assert "retry-after" not in response.headers


async def test_a_waiting_run_is_cancelled_at_once(serve: Serve, database: Database) -> None:
    """It ends as cancelled, asks nothing any more, and can be deleted with its journal."""
    run = await ask(database, question())
    await put_run(database, run, segment(1, logs=("a",)))
    response = await serve(runs).post(f"/runs/{run.id}/cancel")
    assert (response.json()["status"], response.json()["question"]) == ("cancelled", None)
    assert (await serve(chat).delete(f"/chat/{run.id}")).status_code == 204
    assert await database.journals.read(run.id) == []


async def test_nobody_else_sees_a_run(serve: Serve, database: Database, auth_headers: AuthHeaders) -> None:
    """To others, even administrators, the run does not exist."""
    run = await ask(database, question(), owner="mine")
    client = serve(runs, app_env="firebase")
    for who in ("other", "admin"):
        headers = auth_headers(who)
        for route in ("", "/steps", "/events"):
            assert (await client.get(f"/runs/{run.id}{route}", headers=headers)).status_code == 404
        for route in ("/cancel", "/answer"):
            response = await client.post(f"/runs/{run.id}{route}", json={"answer": 1}, headers=headers)
            assert response.status_code == 404
        assert (await client.get("/runs", headers=headers)).json() == []
    assert (await client.get(f"/runs/{run.id}")).status_code == 401
    assert (await client.get(f"/runs/{run.id}", headers=auth_headers("user"))).status_code == 200


@pytest.mark.parametrize("path", ["/rest/echo", "/api/rest/echo"])
async def test_a_published_agent_is_run_later(serve: Serve, database: Database, path: str) -> None:
    """With `Prefer: respond-async`, the response leads to the run. The same key leads to the same run."""
    await publish(database, OTHER, "echo", inputSchema={"inputText": "string"})
    client = serve(deployments, app_env="firebase")
    headers = {"Prefer": 'wait=5, Respond-Async; x="y"', "Idempotency-Key": "one"}
    response = await client.post(path, json={"inputText": "x"}, headers=headers)
    run_id = response.json()["run_id"]
    assert (response.status_code, response.json()) == (202, {"run_id": run_id, "status": "pending"})
    assert response.headers["location"] == path.replace("rest/echo", f"runs/{run_id}")
    assert response.headers["preference-applied"] == "respond-async"
    again = await client.post(path, json={"inputText": "x"}, headers=headers)
    assert (again.json(), again.headers["idempotent-replayed"]) == (response.json(), "true")
    assert (await client.post(path, json={"inputText": 1}, headers={"Prefer": "respond-async"})).status_code == 422
    ticket = await database.tickets.get(run_id)
    assert ticket is not None
    assert (ticket.owner, ticket.is_public) == ("other", True)


async def test_anybody_sees_the_result_of_a_public_run(
    serve: Serve, database: Database, auth_headers: AuthHeaders
) -> None:
    """They see its status and result, but not its input, log, cost or error. All other routes do not know it."""
    run = await add_run(database, owner="mine", is_public=True)
    await complete_run(database, run, segment(1, step("1"), logs=("secret",)))
    failed = await add_run(database, owner="mine", is_public=True)
    await put_run(database, failed.fail("secret", clock.now()))
    client = serve(runs, app_env="firebase")
    for who in ("nobody", "other"):
        headers = auth_headers(who)
        shown = (await client.get(f"/runs/{run.id}", headers=headers)).json()
        assert (shown["status"], shown["result"]) == ("completed", {"outputText": "Hello"})
        hidden = [shown[name] for name in ("agentId", "input", "logs", "question", "questions", "cost")]
        assert hidden == [None, None, [], None, [], 0]
        assert "secret" not in (await client.get(f"/runs/{failed.id}", headers=headers)).text
        assert (await client.get(f"/runs/{run.id}/steps", headers=headers)).status_code in (401, 404)
    assert (await client.get(f"/runs/{run.id}", headers=auth_headers("user"))).json()["logs"] == ["secret"]


async def test_look_ups_without_an_account_are_limited(serve: Serve) -> None:
    """An address may look up as many runs per minute as it may call agents."""
    client = serve(runs, app_env="firebase", rest_rate_per_minute=2)
    statuses = [(await client.get("/runs/unknown")).status_code for _ in range(3)]
    assert statuses == [401, 401, 429]

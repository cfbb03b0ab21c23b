"""Tests of the function `schedules`: creating, reading, changing and deleting schedules over HTTP."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

import functions.schedules.main as schedules
from shared.models.caller import LOCAL_USER, Caller
from shared.store import Database
from tests.functions.conftest import AuthHeaders, Serve
from tests.services.publishing import ECHO, save
from tests.stopped_clock import StoppedClock

MINE = Caller(uid=LOCAL_USER)
SCHEDULE = {"cron": "30 7 * * 1-5", "timezone": "Europe/Berlin", "input": {"inputText": "hi"}}


async def create(client: httpx.AsyncClient, database: Database, caller: Caller = MINE, **fields: Any) -> dict[str, Any]:
    agent = await save(database, caller, ECHO)
    response = await client.post("/schedules", json={**SCHEDULE, "agentId": agent.id, **fields})
    assert response.status_code == 201, response.text
    return response.json()


async def test_a_schedules_whole_life(serve: Serve, database: Database, stopped_clock: StoppedClock) -> None:
    """A schedule is created with defaults, read, listed, changed and deleted."""
    stopped_clock.move(datetime(2026, 3, 26, 12, tzinfo=UTC).timestamp() - stopped_clock())
    client = serve(schedules)
    created = await create(client, database)
    assert created == {
        **SCHEDULE,
        "agentId": created["agentId"],
        "enabled": True,
        "overlap": "skip",
        "_id": created["_id"],
        "_rev": created["_rev"],
        "createdAt": "2026-03-26T12:00:00Z",
        "updatedAt": "2026-03-26T12:00:00Z",
        "nextTimes": [f"2026-{day}Z" for day in ("03-27T06:30:00", "03-30T05:30:00", "03-31T05:30:00")]
        + [f"2026-{day}Z" for day in ("04-01T05:30:00", "04-02T05:30:00")],
        "lastDueAt": None,
        "lastRunId": None,
        "lastError": None,
        "skipped": 0,
        "missed": 0,
    }
    path = f"/schedules/{created['_id']}"
    assert (await client.get(path)).json() == created
    assert (await client.get("/schedules")).json() == [created]
    stopped_clock.move(60)
    changed = (await client.put(path, json={"timezone": "America/New_York"})).json()
    assert changed["nextTimes"][0] == "2026-03-27T11:30:00Z"
    assert changed["updatedAt"] == "2026-03-26T12:01:00Z"
    same = {"cron", "input", "agentId", "createdAt", "enabled", "overlap", "_id"}
    assert {name: changed[name] for name in same} == {name: created[name] for name in same}
    assert (await client.delete(path)).status_code == 204
    for method in ("GET", "DELETE"):
        assert (await client.request(method, path)).status_code == 404


async def test_only_the_fields_that_are_sent_change(serve: Serve, database: Database) -> None:
    """A PUT merges. Null clears the input."""
    client = serve(schedules)
    agent = await save(database, MINE, "async def run(input_dict, tools):\n    return 1")
    created = await create(client, database, agentId=agent.id)
    path = f"/schedules/{created['_id']}"
    changed = (await client.put(path, json={"overlap": "allow", "enabled": False, "input": None})).json()
    assert (changed["overlap"], changed["enabled"], changed["input"]) == ("allow", False, {})
    assert (changed["nextTimes"], changed["cron"]) == ([], created["cron"])


async def test_a_stale_rev_is_refused(serve: Serve, database: Database) -> None:
    """A PUT with an outdated `_rev` gets a 409 and changes nothing; one without `_rev` writes."""
    client = serve(schedules)
    created = await create(client, database)
    path = f"/schedules/{created['_id']}"
    changed = (await client.put(path, json={"_rev": created["_rev"], "cron": "0 8 * * *"})).json()
    assert changed["_rev"] != created["_rev"]
    stale = await client.put(path, json={"_rev": created["_rev"], "cron": "0 9 * * *"})
    assert stale.status_code == 409
    assert (await client.get(path)).json()["cron"] == "0 8 * * *"
    assert (await client.put(path, json={"cron": "0 9 * * *"})).status_code == 200


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("cron", "*/10 * * * * *", "no field for seconds"),
        ("cron", "61 * * * *", "The minute is not valid"),
        ("cron", "0 0 31 2 *", "The day-of-month is not valid"),
        ("cron", "", "This one has 0"),
        ("timezone", "Mars/Olympus", "There is no such time zone"),
        ("timezone", "../UTC", "There is no such time zone"),
        ("input", {"inputText": "ü" * 50_000}, "the limit is 100000"),
    ],
)
async def test_an_invalid_field_is_explained(
    serve: Serve, database: Database, field: str, value: Any, message: str
) -> None:
    """POST and PUT get a 422 with a clear sentence about the field, and nothing changes."""
    client = serve(schedules)
    created = await create(client, database)
    body = {**SCHEDULE, "agentId": created["agentId"], field: value}
    for response in (
        await client.post("/schedules", json=body),
        await client.put(f"/schedules/{created['_id']}", json={field: value}),
    ):
        assert response.status_code == 422, response.text
        (problem,) = response.json()["detail"]
        assert problem["loc"] == ["body", field]
        assert message in problem["msg"]
    assert (await client.get("/schedules")).json() == [created]


@pytest.mark.parametrize(
    "wrong",
    [
        {"overlap": "queue"},
        {"enabled": None},
        {"cron": None},
        {"cron": "* " * 101},
        {"agentId": ""},
        {"input": []},
        {"timezone": "x" * 101},
    ],
)
async def test_a_field_of_the_wrong_type_is_refused(serve: Serve, database: Database, wrong: dict[str, Any]) -> None:
    """POST and PUT get a 422."""
    client = serve(schedules)
    created = await create(client, database)
    body = {**SCHEDULE, "agentId": created["agentId"], **wrong}
    assert (await client.post("/schedules", json=body)).status_code == 422
    assert (await client.put(f"/schedules/{created['_id']}", json=wrong)).status_code == 422


async def test_an_input_that_does_not_fit_the_agent_is_refused(serve: Serve, database: Database) -> None:
    """The input must fit the agent's schema when it or the agent is set."""
    client = serve(schedules)
    agent = await save(database, MINE, ECHO, inputSchema={"count": "integer"})
    created = await create(client, database)
    path = f"/schedules/{created['_id']}"
    refused = await client.post("/schedules", json={**SCHEDULE, "agentId": agent.id})
    assert refused.status_code == 422
    assert (await client.put(path, json={"agentId": agent.id})).status_code == 422
    assert (await client.put(path, json={"agentId": agent.id, "input": {"count": 1}})).status_code == 200


async def test_an_agent_must_be_visible(serve: Serve, database: Database, auth_headers: AuthHeaders) -> None:
    """An unknown agent and another user's gets a 404, even for an administrator; a shared one can be scheduled."""
    client = serve(schedules, app_env="firebase")
    private = await save(database, Caller("other"), ECHO)
    shared = await save(database, Caller("other"), ECHO, visibility="shared")
    for who in ("user", "admin"):
        for agent_id, status in ((private.id, 404), ("unknown", 404), ("a/b", 404), (shared.id, 201)):
            body = {**SCHEDULE, "agentId": agent_id}
            response = await client.post("/schedules", json=body, headers=auth_headers(who))
            assert response.status_code == status, (who, agent_id)
        path = f"/schedules/{response.json()['_id']}"
        hidden = await client.put(path, json={"agentId": private.id}, headers=auth_headers(who))
        assert (hidden.status_code, hidden.json()) == (404, {"detail": "There is no such agent."})


async def test_other_users_schedules_are_hidden(serve: Serve, database: Database, auth_headers: AuthHeaders) -> None:
    """Nobody but its owner can see, change or delete a schedule, not even an administrator."""
    client = serve(schedules, app_env="firebase")
    agent = await save(database, Caller("mine"), ECHO)
    body = {**SCHEDULE, "agentId": agent.id}
    created = (await client.post("/schedules", json=body, headers=auth_headers("user"))).json()
    path = f"/schedules/{created['_id']}"
    for who in ("other", "admin"):
        headers = auth_headers(who)
        for response in (
            await client.get(path, headers=headers),
            await client.put(path, json={"enabled": False}, headers=headers),
            await client.delete(path, headers=headers),
        ):
            assert (response.status_code, response.json()) == (404, {"detail": "There is no such schedule."})
        assert (await client.get("/schedules", headers=headers)).json() == []
    assert (await client.get(path, headers=auth_headers("user"))).json() == created


async def test_the_number_of_schedules_is_limited(serve: Serve, database: Database) -> None:
    """Beyond `MAX_SCHEDULES`, a user gets a 413 until one is deleted."""
    client = serve(schedules, max_schedules=2)
    first = await create(client, database)
    await create(client, database)
    body = {**SCHEDULE, "agentId": first["agentId"]}
    refused = await client.post("/schedules", json=body)
    assert refused.status_code == 413
    assert "You have 2 schedules" in refused.json()["detail"]
    await client.delete(f"/schedules/{first['_id']}")
    assert (await client.post("/schedules", json=body)).status_code == 201


async def test_schedules_are_listed_in_pages(serve: Serve, database: Database, stopped_clock: StoppedClock) -> None:
    """Pages contain all schedules once, the newest change first."""
    client = serve(schedules)
    created: list[str] = []
    for _ in range(5):
        stopped_clock.move(1)
        created.append((await create(client, database))["_id"])
    listed: list[str] = []
    query: dict[str, str] = {"limit": "2"}
    while True:
        page = await client.get("/schedules", params=query)
        listed += [schedule["_id"] for schedule in page.json()]
        if not (token := page.headers.get("X-Next-Page-Token")):
            break
        query["pageToken"] = token
    assert listed == created[::-1]
    assert (await client.get("/schedules", params={"pageToken": "x"})).status_code == 400
    assert (await client.get("/schedules", params={"limit": "0"})).status_code == 422


async def test_input_and_names_may_be_in_any_language(serve: Serve, database: Database) -> None:
    """Inputs are stored as they are, with nested arrays and any keys."""
    client = serve(schedules)
    value = {"inputText": "Привет, 世界 🌍", "__x__": [[1], [2.5, None]], "a.b/c": {"": "\u0000"}}
    created = await create(client, database, input=value)
    assert (await client.get(f"/schedules/{created['_id']}")).json()["input"] == value


@pytest.mark.parametrize("path", ["/api/schedules", "/schedules", ""])
async def test_all_path_forms_work(serve: Serve, database: Database, path: str) -> None:
    """The routes respond with and without `/api`, and at the function's own address."""
    client = serve(schedules)
    created = await create(client, database)
    assert (await client.get(path or "/")).json() == [created]
    assert (await client.get(f"{path}/{created['_id']}")).json() == created


async def test_a_schedule_with_an_id_that_cannot_exist_is_unknown(serve: Serve) -> None:
    """Ids that Firestore would refuse get a 404."""
    client = serve(schedules)
    for id_ in ("__x__", "x" * 1501, "%00"):
        assert (await client.get(f"/schedules/{id_}")).status_code == 404


async def test_next_times_are_after_now(serve: Serve, database: Database, stopped_clock: StoppedClock) -> None:
    """The preview moves on with the clock, whether the sweep has run or not."""
    client = serve(schedules)
    created = await create(client, database, cron="* * * * *")
    stopped_clock.move(3600)
    shown = (await client.get(f"/schedules/{created['_id']}")).json()["nextTimes"]
    now = datetime.fromtimestamp(stopped_clock(), UTC)
    times = [datetime.fromisoformat(time) for time in shown]
    assert times == [now.replace(second=0, microsecond=0) + timedelta(minutes=n) for n in range(1, 6)]

"""Demos are saved, read, replaced and deleted. The tests use the real Firestore emulator."""

import asyncio
from typing import Any

import pytest
from google.api_core.exceptions import ServiceUnavailable

from shared.models.caller import Caller
from shared.models.demo import CreateDemoRequest, Demo, ReplaceDemoRequest
from shared.models.errors import BadRequest, Conflict, Forbidden, NotFound, TooLarge
from shared.services.demos.demos import DemoService
from shared.store import Database
from tests.database_faults import lose_responses

BODY: dict[str, Any] = {
    "name": "Weather",
    "selectedApis": [],
    "modelConfig": {"provider": "openai", "model": "m"},
    "userPrompt": "Show the weather.",
    "generatedCode": {"html": "<p></p>", "css": "p {}", "js": "1"},
}
OTHER = Caller(uid="other")
ADMIN = Caller(uid="admin", claims={"admin": True})


@pytest.fixture
async def demos(database: Database) -> DemoService:
    return DemoService(database)


def request(**fields: Any) -> CreateDemoRequest:
    return CreateDemoRequest.model_validate({**BODY, **fields})


def replacement(**fields: Any) -> ReplaceDemoRequest:
    return ReplaceDemoRequest.model_validate({**BODY, **fields})


async def test_a_saved_demo_is_read_as_it_was_saved(demos: DemoService, caller: Caller) -> None:
    """Every field is preserved, including nested JSON and non-Latin characters."""
    api = {
        "friendlyName": "weather",
        "agentId": "x",
        "description": "天気",
        "inputSchema": {"city": "string"},
        "outputSchema": {"type": "object", "properties": {"": {"type": ["string", "null"]}}},
    }
    saved = await demos.create(
        caller,
        request(
            name="天気 ☀",
            description="Doc.",
            selectedApis=[api],
            modelConfig={"provider": "openai", "model": "m", "parameters": {"a": [[1], None]}},
            generatedCode={"html": "</body>\x00\r\n", "css": "", "js": "</script>\u2028"},
            composerThoughts={"deep": [[1.5, None]]},
        ),
    )
    found = await demos.get(caller, saved.id)
    assert found == saved
    assert found.generated_code.html == "</body>\x00\r\n"
    assert found.selected_apis[0].output_schema == api["outputSchema"]
    assert found.created_at == found.updated_at


async def test_a_replacement_replaces_the_whole_content(demos: DemoService, caller: Caller) -> None:
    """Fields that are not sent are removed, except for the visibility and the creation time."""
    saved = await demos.create(caller, request(description="Doc.", composerThoughts=1, visibility="shared"))
    changed = await demos.replace(caller, saved.id, replacement(name="New"))
    assert (changed.name, changed.description, changed.composer_thoughts) == ("New", None, None)
    assert (changed.visibility, changed.created_at) == ("shared", saved.created_at)
    assert changed.rev != saved.rev
    assert changed.updated_at > saved.updated_at
    assert (await demos.replace(caller, saved.id, replacement(visibility="private"))).visibility == "private"


async def test_a_stale_revision_changes_nothing(demos: DemoService, caller: Caller) -> None:
    """A request with an old revision gets 409; one without a revision replaces the demo."""
    saved = await demos.create(caller, request())
    newer = await demos.replace(caller, saved.id, replacement(_rev=saved.rev, name="One"))
    with pytest.raises(Conflict):
        await demos.replace(caller, saved.id, replacement(_rev=saved.rev, name="Two"))
    assert (await demos.get(caller, saved.id)).name == "One"
    assert (await demos.replace(caller, saved.id, replacement(name="Three"))).rev != newer.rev


async def test_only_one_of_several_changes_to_a_revision_is_made(demos: DemoService, caller: Caller) -> None:
    """Of eight concurrent changes to the same revision, one succeeds and seven get 409."""
    saved = await demos.create(caller, request())
    outcomes = await asyncio.gather(
        *(demos.replace(caller, saved.id, replacement(_rev=saved.rev, name=str(number))) for number in range(8)),
        return_exceptions=True,
    )
    changed = [outcome for outcome in outcomes if isinstance(outcome, Demo)]
    assert len(changed) == 1
    assert sum(isinstance(outcome, Conflict) for outcome in outcomes) == 7
    assert (await demos.get(caller, saved.id)).name == changed[0].name


async def test_visibility_determines_access_to_other_users_demos(demos: DemoService, caller: Caller) -> None:
    """Other users cannot find a private demo, and can only read a shared one. Administrators can change it."""
    saved = await demos.create(caller, request())
    for attempt in (demos.get(OTHER, saved.id), demos.replace(OTHER, saved.id, replacement())):
        with pytest.raises(NotFound, match="There is no such demo"):
            await attempt
    with pytest.raises(NotFound):
        await demos.delete(OTHER, saved.id)
    await demos.replace(caller, saved.id, replacement(visibility="shared"))
    assert (await demos.get(OTHER, saved.id)).name == "Weather"
    with pytest.raises(Forbidden):
        await demos.replace(OTHER, saved.id, replacement())
    with pytest.raises(Forbidden):
        await demos.delete(OTHER, saved.id)
    assert (await demos.replace(ADMIN, saved.id, replacement(name="By the admin"))).name == "By the admin"
    await demos.delete(ADMIN, saved.id)
    with pytest.raises(NotFound):
        await demos.get(caller, saved.id)


async def test_visibility_determines_who_may_open_a_page(demos: DemoService, caller: Caller) -> None:
    """Anyone may open a shared page; only its owner and administrators may open a private one.

    Other users get the same error as for an unknown page.
    """
    private = await demos.create(caller, request())
    shared = await demos.create(caller, request(visibility="shared"))
    for user in (None, OTHER, caller, ADMIN):
        assert (await demos.open(user, shared.id)).id == shared.id
    for user in (caller, ADMIN):
        assert (await demos.open(user, private.id)).id == private.id
    for user in (None, OTHER):
        for demo_id in (private.id, "unknown"):
            with pytest.raises(NotFound, match="There is no such demo"):
                await demos.open(user, demo_id)


@pytest.mark.parametrize("demo_id", ["unknown", "a/b", ".", "..", "__x__", "x" * 1501, "é" * 800, ""])
async def test_any_string_may_be_given_as_an_id(demos: DemoService, caller: Caller, demo_id: str) -> None:
    """A string that cannot be a document id gets 404, like an unknown id."""
    for attempt in (
        demos.get(caller, demo_id),
        demos.open(None, demo_id),
        demos.replace(caller, demo_id, replacement()),
        demos.delete(caller, demo_id),
    ):
        with pytest.raises(NotFound):
            await attempt


async def test_a_demo_that_is_too_large_is_rejected(demos: DemoService, caller: Caller) -> None:
    """The error states the size and the limit, and the stored demo does not change."""
    large = {"html": "x" * 1_000_000, "css": "", "js": ""}
    with pytest.raises(TooLarge, match=r"The demo is 1\d{6} bytes long; the limit is 1000000"):
        await demos.create(caller, request(generatedCode=large))
    saved = await demos.create(caller, request(userPrompt="x" * 90_000, composerThoughts="x" * 900_000))
    with pytest.raises(TooLarge):
        await demos.replace(caller, saved.id, replacement(generatedCode=large))
    assert (await demos.get(caller, saved.id)).generated_code.html == "<p></p>"


async def test_lists_show_own_and_shared_demos_newest_first(demos: DemoService, caller: Caller) -> None:
    """Lists do not show other users' private demos, except to administrators."""
    first = await demos.create(caller, request(name="first"))
    await demos.create(OTHER, request(name="private"))
    await demos.create(OTHER, request(name="shared", visibility="shared"))
    await demos.replace(caller, first.id, replacement(name="newer"))
    assert [demo.name for demo in (await demos.list(caller, 10)).items] == ["newer", "shared"]
    assert {demo.name for demo in (await demos.list(ADMIN, 10)).items} == {"newer", "shared", "private"}
    assert (await demos.list(caller, 10)).next_token is None


async def test_pages_show_each_demo_once(demos: DemoService, caller: Caller) -> None:
    """Successive pages list all demos in order. An invalid token is rejected."""
    for number in range(7):
        await demos.create(caller, request(name=str(number), visibility="shared"))
    names: list[str] = []
    token: str | None = None
    for _ in range(5):
        page = await demos.list(caller, 3, token)
        names += [demo.name for demo in page.items]
        token = page.next_token
        if token is None:
            break
    assert names == [str(number) for number in range(6, -1, -1)]
    for bad in ("x", "", "WyJhIl0="):
        with pytest.raises(BadRequest, match="page token"):
            await demos.list(caller, 3, bad)


async def test_operations_whose_responses_are_lost_take_effect_once(
    demos: DemoService, caller: Caller, database: Database
) -> None:
    """A commit that took effect although its response was lost causes no duplicate, no conflict and no 404."""
    lose_responses(database, ServiceUnavailable("gone"), 1, 3, 5)
    saved = await demos.create(caller, request())
    assert len((await demos.list(caller, 10)).items) == 1
    changed = await demos.replace(caller, saved.id, replacement(_rev=saved.rev, name="x"))
    assert changed.name == "x"
    await demos.delete(caller, saved.id)
    assert (await demos.list(caller, 10)).items == []

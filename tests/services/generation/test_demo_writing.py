"""Writing a demo: a scripted model over real HTTP, real Firestore."""

import json
from typing import Any

import pytest

from shared.llm.catalog import Catalog
from shared.llm.completion import complete
from shared.models.caller import Caller
from shared.models.demo import GenerateDemoRequest
from shared.models.errors import AllowanceSpent, BadRequest, UpstreamFailed, UpstreamTooSlow
from shared.services.generation.demo_prompt import DEMO_RULES, write_fix_request, write_request
from shared.services.generation.demo_writing import DemoWritingService
from shared.services.model_calls import ModelCallService
from shared.settings import Settings
from shared.store import Database
from tests.doubles.model_server import Answer, Fail, ModelServer
from tests.services.harness import MODEL, Harness
from tests.services.publishing import publish

TASK = "Show the time."
ASKED = write_request(TASK, [])
PARTS = {"html": '<p id="now">{}</p>', "css": "p { color: red }", "js": "now.textContent = `it's\n${Date()}`;"}
ANSWER = json.dumps(PARTS)
OTHER = Caller(uid="other")


def service(settings: Settings, catalog: Catalog) -> DemoWritingService:
    database = Database(settings)
    model_calls = ModelCallService.create(database, catalog, complete, settings)
    return DemoWritingService(database, model_calls, settings)


@pytest.fixture
async def writing(settings: Settings, catalog: Catalog) -> DemoWritingService:
    return service(settings, catalog)


def request(*names: str, **fields: Any) -> GenerateDemoRequest:
    composer = {"provider": "openai", "model": MODEL, "parameters": {"max_tokens": 2000}}
    apis = [{"friendlyName": name, "description": "what the caller says"} for name in names]
    return GenerateDemoRequest.model_validate(
        {"userPrompt": TASK, "selectedApis": apis, "modelConfig": composer, **fields}
    )


async def test_a_page_is_written(
    writing: DemoWritingService, model_server: ModelServer, caller: Caller, settings: Settings, catalog: Catalog
) -> None:
    """Asked for once, returned with the model's thoughts, and charged to the caller."""
    model_server.script(ASKED, Answer(ANSWER, reasoning="A clock it is."))
    written = await writing.write(caller, request())
    assert {name: getattr(written, name) for name in PARTS} == PARTS
    assert written.thoughts == {"reasoning": "A clock it is."}
    (call,) = model_server.calls
    assert call.body["messages"][0]["content"] == DEMO_RULES
    harness = Harness(settings, catalog)
    assert len(await harness.charged(caller.uid)) == 1
    assert (await harness.account(caller.uid)).held == 0


async def test_the_prompt_describes_the_apis_as_they_are(
    writing: DemoWritingService, model_server: ModelServer, caller: Caller, database: Database
) -> None:
    """By the deployments' own descriptions and schemas, each once, in the order of the selection; and their paths."""
    await publish(database, caller, "mine", description="Shouts.", inputSchema={"city": "string"})
    await publish(database, OTHER, "theirs", visibility="shared", outputSchema={"n": "integer"})
    with pytest.raises(UpstreamFailed):  # the model has no script for this prompt
        await writing.write(caller, request("theirs", "mine", "theirs"))
    text: str = model_server.calls[0].body["messages"][1]["content"]
    for part in (TASK, "Shouts.", '{"city": "string"}', '{"n": "integer"}', "POST ${API_BASE_URL}/rest/mine"):
        assert part in text
    assert text.count("## theirs") == 1
    assert text.index("## theirs") < text.index("## mine")
    assert "what the caller says" not in text


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"js": "let x = ;"}, "js, line 1: Syntax error"),
        ({"js": "fetch(`${API_BASE_URL}/rest/nope`)"}, "/rest/nope is not among the selected APIs. They are: mine"),
        ({"html": "<button onclick='go()'>"}, "html: onclick="),
        ({"css": None}, "lacks css"),
    ],
)
async def test_the_model_corrects_a_page_that_fails_a_check(
    writing: DemoWritingService,
    model_server: ModelServer,
    caller: Caller,
    database: Database,
    change: dict[str, Any],
    words: str,
) -> None:
    """The model gets its answer and what is wrong with it, once."""
    await publish(database, caller, "mine")
    good = {**PARTS, "js": "fetch(`${API_BASE_URL}/rest/mine`)"}
    deployment = await database.deployments.get("mine")
    assert deployment
    asked = write_request(TASK, [deployment])
    bad = json.dumps({**good, **change})
    model_server.script(asked, Answer(bad))
    with pytest.raises(UpstreamFailed, match="no page that works, in 2 attempts"):
        await writing.write(caller, request("mine"))
    first, second = model_server.calls
    assert len(first.body["messages"]) == 2
    assert [message["role"] for message in second.body["messages"]] == ["system", "user", "assistant", "user"]
    assert second.body["messages"][2]["content"] == bad
    told: str = second.body["messages"][3]["content"]
    assert words in told
    model_server.script(asked, Answer(bad))
    model_server.script(told, Answer(f"```json\n{json.dumps(good)}\n```"))
    assert (await writing.write(caller, request("mine"))).js == good["js"]


async def test_it_gives_up_after_one_correction(
    writing: DemoWritingService, model_server: ModelServer, caller: Caller, settings: Settings, catalog: Catalog
) -> None:
    """502, with the last error; both answers are charged."""
    model_server.script(ASKED, Answer("no"))
    model_server.script(write_fix_request("It contains no JSON object."), Answer(json.dumps({**PARTS, "js": "let 1"})))
    with pytest.raises(UpstreamFailed, match="The last error: js, line 1: Syntax error"):
        await writing.write(caller, request())
    assert len(model_server.calls) == 2
    harness = Harness(settings, catalog)
    assert len(await harness.charged(caller.uid)) == 2
    assert (await harness.account(caller.uid)).held == 0


async def test_the_model_corrects_an_empty_answer(
    writing: DemoWritingService, model_server: ModelServer, caller: Caller
) -> None:
    """Providers refuse empty messages, so another text stands for it."""
    model_server.script(ASKED, Answer(" "))
    model_server.script(write_fix_request("It contains no JSON object."), Answer(ANSWER))
    assert (await writing.write(caller, request())).html == PARTS["html"]
    assert model_server.calls[1].body["messages"][2]["content"].strip()


async def test_deployments_that_cannot_be_selected(
    writing: DemoWritingService, model_server: ModelServer, caller: Caller, database: Database
) -> None:
    """400 for names that are not published, and for other users' private agents; no model is called."""
    await publish(database, OTHER, "private")
    for name in ("unknown", "private", "a/b", "..", "é" * 100):
        with pytest.raises(BadRequest, match="Nothing is published as"):
            await writing.write(caller, request(name))
    assert model_server.calls == []


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"modelConfig": {"provider": "nobody", "model": "m"}}, "nobody"),
        ({"modelConfig": {"provider": "openai", "model": "nothing"}}, "nothing"),
        ({"modelConfig": {"provider": "openai", "model": MODEL, "parameters": {"api_base": "x"}}}, "api_base"),
        ({"builtInTools": ["time_travel"]}, "time_travel"),
    ],
)
async def test_what_cannot_be_used_is_refused_before_a_model_is_asked(
    writing: DemoWritingService, model_server: ModelServer, caller: Caller, fields: dict[str, Any], words: str
) -> None:
    """400, which names it."""
    with pytest.raises(BadRequest, match=words):
        await writing.write(caller, request(**fields))
    assert model_server.calls == []


async def test_a_model_that_fails_is_502(
    writing: DemoWritingService, model_server: ModelServer, caller: Caller, settings: Settings, catalog: Catalog
) -> None:
    """With the model's own words; nothing stays held."""
    model_server.script(ASKED, Fail(500, "down"))
    with pytest.raises(UpstreamFailed, match="OpenAI could not answer"):
        await writing.write(caller, request())
    assert (await Harness(settings, catalog).account(caller.uid)).held == 0


async def test_without_allowance_no_demo_is_written(
    writing: DemoWritingService, model_server: ModelServer, caller: Caller
) -> None:
    """402, before a model is asked."""
    harness = Harness(writing.settings.model_copy(update={"default_allowance": 0}), writing.model_calls.catalog)
    await harness.users.get(caller)
    with pytest.raises(AllowanceSpent):
        await writing.write(caller, request())
    assert model_server.calls == []


async def test_a_slow_model_is_504(
    settings: Settings, catalog: Catalog, model_server: ModelServer, caller: Caller
) -> None:
    """Within the time of a request, with what to do about it."""
    model_server.script(ASKED, Answer(ANSWER, delay=5))
    slow = service(settings.model_copy(update={"run_timeout_seconds": 0.7}), catalog)
    with pytest.raises((UpstreamTooSlow, UpstreamFailed), match=r"not written within|took too long"):
        await slow.write(caller, request())

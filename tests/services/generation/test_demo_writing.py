"""Demos are written with a scripted model over HTTP and the Firestore emulator."""

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
PROMPT = write_request(TASK, [])
PARTS = {"html": '<p id="now">{}</p>', "css": "p { color: red }", "js": "now.textContent = `it's\n${Date()}`;"}
ANSWER = json.dumps(PARTS)
OTHER = Caller(uid="other")


def service(settings: Settings, catalog: Catalog) -> DemoWritingService:
    database = Database(settings)
    model_calls = ModelCallService.create(database, catalog, complete, settings)
    return DemoWritingService(database, model_calls, settings)


@pytest.fixture
async def writer(settings: Settings, catalog: Catalog) -> DemoWritingService:
    return service(settings, catalog)


def request(*names: str, **fields: Any) -> GenerateDemoRequest:
    composer = {"provider": "openai", "model": MODEL, "parameters": {"max_tokens": 2000}}
    apis = [{"friendlyName": name, "description": "the caller's description"} for name in names]
    return GenerateDemoRequest.model_validate(
        {"userPrompt": TASK, "selectedApis": apis, "modelConfig": composer, **fields}
    )


async def test_a_page_is_written(
    writer: DemoWritingService, model_server: ModelServer, caller: Caller, settings: Settings, catalog: Catalog
) -> None:
    """A single model call writes the page, is charged to the caller, and returns the model's thoughts with the page."""
    model_server.script(PROMPT, Answer(ANSWER, reasoning="A clock it is."))
    written = await writer.write(caller, request())
    assert {name: getattr(written, name) for name in PARTS} == PARTS
    assert written.thoughts == {"reasoning": "A clock it is."}
    (call,) = model_server.calls
    assert call.body["messages"][0]["content"] == DEMO_RULES
    harness = Harness(settings, catalog)
    assert len(await harness.get_charges(caller.uid)) == 1
    assert (await harness.account(caller.uid)).held == 0


async def test_the_prompt_describes_the_apis_by_their_deployments(
    writer: DemoWritingService, model_server: ModelServer, caller: Caller, database: Database
) -> None:
    """Each API's description, schemas and path come from its deployment, once and in the order of the selection."""
    await publish(database, caller, "mine", description="Shouts.", inputSchema={"city": "string"})
    await publish(database, OTHER, "theirs", visibility="shared", outputSchema={"n": "integer"})
    with pytest.raises(UpstreamFailed):  # the model has no script for this prompt
        await writer.write(caller, request("theirs", "mine", "theirs"))
    text: str = model_server.calls[0].body["messages"][1]["content"]
    for part in (TASK, "Shouts.", '{"city": "string"}', '{"n": "integer"}', "POST ${API_BASE_URL}/rest/mine"):
        assert part in text
    assert text.count("## theirs") == 1
    assert text.index("## theirs") < text.index("## mine")
    assert "the caller's description" not in text


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"js": "let x = ;"}, "js, line 1: Syntax error"),
        ({"js": "fetch(`${API_BASE_URL}/rest/nope`)"}, "/rest/nope is not among the selected APIs. They are: mine"),
        ({"html": "<button onclick='go()'>"}, "html: onclick="),
        ({"css": None}, "lacks css"),
    ],
)
async def test_the_model_corrects_a_page_that_fails_a_check(
    writer: DemoWritingService,
    model_server: ModelServer,
    caller: Caller,
    database: Database,
    change: dict[str, Any],
    message: str,
) -> None:
    """The model gets its answer back with the error, and has one chance to correct it."""
    await publish(database, caller, "mine")
    good = {**PARTS, "js": "fetch(`${API_BASE_URL}/rest/mine`)"}
    deployment = await database.deployments.get("mine")
    assert deployment
    prompt = write_request(TASK, [deployment])
    bad = json.dumps({**good, **change})
    model_server.script(prompt, Answer(bad))
    with pytest.raises(UpstreamFailed, match="no working page in 2 attempts"):
        await writer.write(caller, request("mine"))
    first, second = model_server.calls
    assert len(first.body["messages"]) == 2
    assert [message["role"] for message in second.body["messages"]] == ["system", "user", "assistant", "user"]
    assert second.body["messages"][2]["content"] == bad
    correction: str = second.body["messages"][3]["content"]
    assert message in correction
    model_server.script(prompt, Answer(bad))
    model_server.script(correction, Answer(f"```json\n{json.dumps(good)}\n```"))
    assert (await writer.write(caller, request("mine"))).js == good["js"]


async def test_writing_fails_after_one_correction(
    writer: DemoWritingService, model_server: ModelServer, caller: Caller, settings: Settings, catalog: Catalog
) -> None:
    """After two invalid answers, the caller gets 502 with the last error, and both answers are charged."""
    model_server.script(PROMPT, Answer("no"))
    model_server.script(write_fix_request("It contains no JSON object."), Answer(json.dumps({**PARTS, "js": "let 1"})))
    with pytest.raises(UpstreamFailed, match="The last error: js, line 1: Syntax error"):
        await writer.write(caller, request())
    assert len(model_server.calls) == 2
    harness = Harness(settings, catalog)
    assert len(await harness.get_charges(caller.uid)) == 2
    assert (await harness.account(caller.uid)).held == 0


async def test_the_model_corrects_an_empty_answer(
    writer: DemoWritingService, model_server: ModelServer, caller: Caller
) -> None:
    """In the correction, a placeholder replaces the empty answer, because providers reject empty messages."""
    model_server.script(PROMPT, Answer(" "))
    model_server.script(write_fix_request("It contains no JSON object."), Answer(ANSWER))
    assert (await writer.write(caller, request())).html == PARTS["html"]
    assert model_server.calls[1].body["messages"][2]["content"].strip()


async def test_unpublished_and_private_agents_cannot_be_selected(
    writer: DemoWritingService, model_server: ModelServer, caller: Caller, database: Database
) -> None:
    """Unpublished names and other users' private agents get 400, and no model is called."""
    await publish(database, OTHER, "private")
    for name in ("unknown", "private", "a/b", "..", "é" * 100):
        with pytest.raises(BadRequest, match="Nothing is published as"):
            await writer.write(caller, request(name))
    assert model_server.calls == []


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"modelConfig": {"provider": "nobody", "model": "m"}}, "nobody"),
        ({"modelConfig": {"provider": "openai", "model": "nothing"}}, "nothing"),
        ({"modelConfig": {"provider": "openai", "model": MODEL, "parameters": {"api_base": "x"}}}, "api_base"),
        ({"builtInTools": ["time_travel"]}, "time_travel"),
    ],
)
async def test_an_invalid_request_is_rejected_before_a_model_is_called(
    writer: DemoWritingService, model_server: ModelServer, caller: Caller, fields: dict[str, Any], message: str
) -> None:
    """The 400 response names the part of the request that cannot be used."""
    with pytest.raises(BadRequest, match=message):
        await writer.write(caller, request(**fields))
    assert model_server.calls == []


async def test_a_failing_model_causes_502(
    writer: DemoWritingService, model_server: ModelServer, caller: Caller, settings: Settings, catalog: Catalog
) -> None:
    """The error names the provider, and no hold remains."""
    model_server.script(PROMPT, Fail(500, "down"))
    with pytest.raises(UpstreamFailed, match="OpenAI could not answer"):
        await writer.write(caller, request())
    assert (await Harness(settings, catalog).account(caller.uid)).held == 0


async def test_without_allowance_no_demo_is_written(
    writer: DemoWritingService, model_server: ModelServer, caller: Caller
) -> None:
    """If the allowance is spent, the caller gets 402 before a model is called."""
    harness = Harness(writer.settings.model_copy(update={"default_allowance": 0}), writer.model_calls.catalog)
    await harness.users.get(caller)
    with pytest.raises(AllowanceSpent):
        await writer.write(caller, request())
    assert model_server.calls == []


async def test_a_slow_model_causes_an_error(
    settings: Settings, catalog: Catalog, model_server: ModelServer, caller: Caller
) -> None:
    """If the model does not answer within the request's time limit, the caller gets an error."""
    model_server.script(PROMPT, Answer(ANSWER, delay=5))
    slow = service(settings.model_copy(update={"run_timeout_seconds": 0.7}), catalog)
    with pytest.raises((UpstreamTooSlow, UpstreamFailed), match=r"not written within|took too long"):
        await slow.write(caller, request())

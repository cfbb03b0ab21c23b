"""Agents are written with a scripted model over HTTP, a real MCP server, and the Firestore emulator."""

import json
from typing import Any

import pytest

from shared.llm.catalog import Catalog
from shared.llm.completion import complete
from shared.models.agent import CreateAgentRequest
from shared.models.caller import Caller
from shared.models.code_writing import GenerateCodeRequest
from shared.models.errors import AllowanceSpent, BadRequest, UpstreamFailed, UpstreamTooSlow
from shared.sandbox.engine import create_engine
from shared.services.agents.agents import AgentService
from shared.services.agents.deployments import DeploymentService
from shared.services.generation.code_check import NO_RESULT
from shared.services.generation.code_prompt import write_fix_request, write_naming_request, write_request
from shared.services.generation.code_writing import CodeWritingService
from shared.services.model_calls import ModelCallService
from shared.settings import Settings
from shared.store import Database
from tests.doubles.api_server import ApiServer, openapi
from tests.doubles.mcp_server import McpServer
from tests.doubles.model_server import Answer, Fail, ModelServer
from tests.services.harness import MODEL, Harness

CODE = "async def run(input_dict, tools):\n    return {'outputText': input_dict['inputText'].upper()}\n"
TASK = "Shouts its input."
PROMPT = write_request(TASK, None, None, {})
NAMING_PROMPT = write_naming_request(PROMPT)
NAME_ANSWER = Answer(json.dumps({"friendly_name": "shout_it", "docstring": "Shouts."}))


@pytest.fixture
def settings(settings: Settings, api_server: ApiServer, mcp_server: McpServer) -> Settings:
    return settings.model_copy(update={"outbound_allowed_hosts": (api_server.host, mcp_server.host)})


def service(settings: Settings, catalog: Catalog) -> CodeWritingService:
    database = Database(settings)
    model_calls = ModelCallService.create(database, catalog, complete, settings)
    return CodeWritingService(database, model_calls, create_engine(settings), settings)


@pytest.fixture
async def writer(settings: Settings, catalog: Catalog) -> CodeWritingService:
    return service(settings, catalog)


def request(**fields: Any) -> GenerateCodeRequest:
    composer = {"provider": "openai", "model": MODEL, "parameters": {"max_tokens": 2000}}
    return GenerateCodeRequest.model_validate({"description": TASK, "modelConfig": composer, **fields})


async def test_code_name_and_docstring_are_written(
    writer: CodeWritingService, model_server: ModelServer, caller: Caller, settings: Settings, catalog: Catalog
) -> None:
    """The code and the name are requested concurrently and cleaned, and each request is charged to the caller once."""
    model_server.script(PROMPT, Answer(f"Here you are:\n```python\n{CODE}```\nEnjoy!", delay=0.2))
    model_server.script(NAMING_PROMPT, NAME_ANSWER)
    written = await writer.write(caller, request())
    assert (written.code, written.friendly_name, written.docstring) == (CODE, "shout_it", "Shouts.")
    harness = Harness(settings, catalog)
    assert len(await harness.get_charges(caller.uid)) == 2
    assert (await harness.account(caller.uid)).held == 0


async def test_the_models_thoughts_are_returned(
    writer: CodeWritingService, model_server: ModelServer, caller: Caller
) -> None:
    """The response contains the thoughts of the answer that became the code."""
    model_server.script(PROMPT, Answer(CODE, reasoning="Upper case it is."))
    written = await writer.write(caller, request())
    assert written.thoughts == {"reasoning": "Upper case it is."}


async def test_the_model_corrects_code_that_fails_a_check(
    writer: CodeWritingService, model_server: ModelServer, caller: Caller
) -> None:
    """The model gets its code back with the error if the sandbox cannot run the code or the code fails to load."""
    unsupported = "import requests\nasync def run(input_dict, tools):\n    return {}\n"
    failing = "import json\nTABLE = 1 / 0\nasync def run(input_dict, tools):\n    return {}\n"
    model_server.script(PROMPT, Answer(unsupported))
    error = (
        "NotImplementedError: line 1: The module `requests` is not available here. "
        "Use `http_client` or `httpx.AsyncClient()`, with `await`."
    )
    model_server.script(write_fix_request(error), Answer(failing))
    second = write_fix_request(
        "Traceback (most recent call last):\n"
        '  File "agent.py", line 2, in <module>\n    TABLE = 1 / 0\nZeroDivisionError: division by zero'
    )
    model_server.script(second, Answer(CODE))
    written = await writer.write(caller, request())
    assert written.code == CODE
    last = model_server.calls_for(second)[0].body["messages"]
    assert [message["role"] for message in last] == ["system", "user", "assistant", "user"]
    assert last[2]["content"] == failing


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        ('{"result": 5}', 'async def run(input_dict, tools):\n    {"result": 5}\n'),
        ("async def run(input_dict, tools):\n    print(1)\n", None),
    ],
)
async def test_the_model_corrects_code_that_returns_nothing(
    writer: CodeWritingService, model_server: ModelServer, caller: Caller, answer: str, code: str | None
) -> None:
    """Code that loads but never returns a value is corrected."""
    model_server.script(PROMPT, Answer(answer))
    model_server.script(write_fix_request(NO_RESULT), Answer(CODE))
    assert (await writer.write(caller, request())).code == CODE
    (call,) = model_server.calls_for(write_fix_request(NO_RESULT))
    assert call.body["messages"][2]["content"] == (code or answer)


async def test_code_in_json_is_accepted(writer: CodeWritingService, model_server: ModelServer, caller: Caller) -> None:
    """A first answer that contains its code in JSON needs no correction."""
    model_server.script(PROMPT, Answer(json.dumps({"code": CODE})))
    assert (await writer.write(caller, request())).code == CODE
    assert len(model_server.calls) == 2


@pytest.mark.parametrize("naming", [Fail(400, "no"), Answer("", delay=30)], ids=["fails", "too slow"])
async def test_code_is_returned_without_a_name_from_the_model(
    settings: Settings, catalog: Catalog, model_server: ModelServer, caller: Caller, naming: Answer | Fail
) -> None:
    """If naming fails, name and docstring are derived from the description, because the code has been paid for."""
    model_server.script(PROMPT, Answer(CODE))
    model_server.script(NAMING_PROMPT, naming)
    quick = service(settings.model_copy(update={"run_timeout_seconds": 5.0}), catalog)
    written = await quick.write(caller, request())
    assert (written.code, written.friendly_name, written.docstring) == (CODE, "shouts_its_input", TASK)


async def test_code_is_returned_even_if_its_name_is_unreadable(
    writer: CodeWritingService, model_server: ModelServer, caller: Caller
) -> None:
    """The code is returned even if the name's JSON is nested too deeply or contains half of a surrogate pair."""
    for name_answer in ('{"a":' * 3000 + "1" + "}" * 3000, '{"friendly_name": "a", "docstring": "Shouts \\ud83d"}'):
        model_server.script(PROMPT, Answer(json.dumps({"code": CODE + "# \ud83d"})))
        model_server.script(NAMING_PROMPT, Answer(name_answer))
        response = await writer.write(caller, request())
        assert response.code.startswith(CODE)
        response.model_dump_json()


async def test_writing_fails_after_two_corrections(
    writer: CodeWritingService, model_server: ModelServer, caller: Caller
) -> None:
    """After three answers without valid code, the caller gets 502 with the last error."""
    model_server.script(PROMPT, Answer("```python\nasync def run(:\n```"))
    with pytest.raises(UpstreamFailed, match="SyntaxError"):
        await writer.write(caller, request())
    assert (
        len([call for call in model_server.calls if "write one Python agent" in call.body["messages"][0]["content"]])
        == 3
    )


async def test_the_prompt_describes_what_the_agent_may_use(
    writer: CodeWritingService,
    model_server: ModelServer,
    caller: Caller,
    database: Database,
    api_server: ApiServer,
    mcp_server: McpServer,
) -> None:
    """The prompt describes tools, the specs' operations, models with parameters, and agents with schemas."""
    helper = CreateAgentRequest.model_validate(
        {"name": "helper-agent", "description": "Helps.", "code": CODE, "inputSchema": {"topic": "string"}}
    )
    agent = await AgentService(database).create(caller, helper)
    generate_request = request(
        tools={mcp_server.url: ["add"]},
        swaggerSpecs=[{"name": "things", "content": json.dumps(openapi(api_server.address))}],
        invokableModels=[{"provider": "openai", "model": "gpt-4.1", "parameters": {"temperature": 0.25}}],
        gofannonAgents=[agent.id],
        inputSchema={"city": "string"},
    )
    with pytest.raises(UpstreamFailed):  # the model has no script for this prompt
        await writer.write(caller, generate_request)
    code_call = next(
        call for call in model_server.calls if "write one Python agent" in call.body["messages"][0]["content"]
    )
    text: str = code_call.body["messages"][1]["content"]
    for part in (
        TASK, '{"city": "string"}', "Adds two numbers.", f"mcpc['{mcp_server.url}'].call(tool_name='add'",
        "model='gpt-4.1'", "0.25", "helper-agent", '{"topic": "string"}', api_server.address,
    ):  # fmt: skip
        assert part in text
    assert "weather" not in text


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"modelConfig": {"provider": "nobody", "model": "m"}}, "nobody"),
        ({"modelConfig": {"provider": "openai", "model": MODEL, "parameters": {"api_base": "x"}}}, "api_base"),
        ({"invokableModels": [{"provider": "openai", "model": "nothing"}]}, "nothing"),
        ({"swaggerSpecs": [{"name": "page", "content": "<html></html>"}]}, "'page' cannot be used"),
        ({"gofannonAgents": ["unknown"]}, "unknown"),
        ({"tools": {"ftp://x.example": ["a"]}}, "ftp://x.example"),
        ({"tools": {"http://10.0.0.1/mcp": ["a"]}}, "10.0.0.1"),
        ({"builtInTools": ["time_travel"]}, "time_travel"),
    ],
)
async def test_an_invalid_request_is_rejected_before_a_model_is_called(
    writer: CodeWritingService, model_server: ModelServer, caller: Caller, fields: dict[str, Any], message: str
) -> None:
    """The 400 response names the part of the request that cannot be used."""
    with pytest.raises(BadRequest, match=message):
        await writer.write(caller, request(**fields))
    assert model_server.calls == []


async def test_other_users_private_agents_are_not_described(
    writer: CodeWritingService, caller: Caller, database: Database
) -> None:
    """Other users' private agents get the same error as unknown ones."""
    body = {"name": "n", "description": "Secret.", "code": CODE}
    agent = await AgentService(database).create(Caller(uid="other"), CreateAgentRequest.model_validate(body))
    with pytest.raises(BadRequest, match="There is no agent"):
        await writer.write(caller, request(gofannonAgents=[agent.id]))


async def test_an_mcp_server_that_lacks_the_tool_or_fails_is_reported(
    writer: CodeWritingService, caller: Caller, mcp_server: McpServer, api_server: ApiServer
) -> None:
    """A missing tool causes 400 with a list of the available tools; a server that is not an MCP server causes 502."""
    with pytest.raises(BadRequest, match=r"has no tool fly\. It has: .*add"):
        await writer.write(caller, request(tools={mcp_server.url: ["add", "fly"]}))
    with pytest.raises(UpstreamFailed, match="could not be listed"):
        await writer.write(caller, request(tools={f"{api_server.address}/status/404": ["a"]}))


async def test_a_taken_name_gets_a_number(
    writer: CodeWritingService, model_server: ModelServer, caller: Caller, database: Database
) -> None:
    """If the model's name is taken, the first free number is appended."""
    for name in ("shout_it", "shout_it_2"):
        body = {"name": "n", "code": CODE, "friendlyName": name}
        agent = await AgentService(database).create(caller, CreateAgentRequest.model_validate(body))
        await DeploymentService(database, Settings()).deploy(caller, agent.id)
    model_server.script(PROMPT, Answer(CODE))
    model_server.script(NAMING_PROMPT, NAME_ANSWER)
    assert (await writer.write(caller, request())).friendly_name == "shout_it_3"


async def test_a_failing_model_causes_502(
    writer: CodeWritingService, model_server: ModelServer, caller: Caller, settings: Settings, catalog: Catalog
) -> None:
    """The error names the provider. The naming call is charged, and no hold remains."""
    model_server.script(PROMPT, Fail(500, "down", delay=0.5))
    model_server.script(NAMING_PROMPT, NAME_ANSWER)
    with pytest.raises(UpstreamFailed, match="OpenAI could not answer"):
        await writer.write(caller, request())
    harness = Harness(settings, catalog)
    assert len(await harness.get_charges(caller.uid)) == 1
    assert (await harness.account(caller.uid)).held == 0


async def test_without_allowance_no_code_is_written(
    writer: CodeWritingService, model_server: ModelServer, caller: Caller
) -> None:
    """If the allowance is spent, the caller gets 402 before a model is called."""
    harness = Harness(writer.settings.model_copy(update={"default_allowance": 0}), writer.model_calls.catalog)
    await harness.users.get(caller)
    with pytest.raises(AllowanceSpent):
        await writer.write(caller, request())
    assert model_server.calls == []


async def test_a_slow_model_causes_504(
    settings: Settings, catalog: Catalog, model_server: ModelServer, caller: Caller
) -> None:
    """If the model does not answer within the request's time limit, the caller gets 504."""
    model_server.script(PROMPT, Answer(CODE, delay=5))
    slow = service(settings.model_copy(update={"run_timeout_seconds": 0.7}), catalog)
    with pytest.raises(UpstreamTooSlow, match="not written within"):
        await slow.write(caller, request())

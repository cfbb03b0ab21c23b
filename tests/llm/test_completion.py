"""Calls of models: litellm over real HTTP, against the scripted server."""

from typing import Any

import pytest

from shared.llm.catalog import Catalog, InvalidParameters, UnknownBuiltInTool
from shared.llm.completion import complete
from shared.llm.failures import ModelFailure
from shared.models.chat import ChatRequest, ChatResult
from tests.conftest import SECRET_KEY
from tests.doubles.model_server import Answer, Cut, Fail, ModelServer

CHEAP = "gpt-4.1-mini"
REASONING = "gpt-5-mini"


def chat(prompt: str, *, provider: str = "openai", model: str = CHEAP, **fields: Any) -> ChatRequest:
    messages = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": prompt}]
    return ChatRequest.model_validate({"messages": messages, "provider": provider, "model": model, **fields})


async def call(catalog: Catalog, request: ChatRequest, seconds: float = 10) -> ChatResult:
    return await complete(catalog.route(request.provider, request.model), request, seconds)


async def failure(catalog: Catalog, request: ChatRequest, seconds: float = 10) -> ModelFailure:
    with pytest.raises(ModelFailure) as raised:
        await call(catalog, request, seconds)
    return raised.value


@pytest.mark.parametrize("stream", [False, True])
async def test_an_answer_comes_with_usage_and_cost(catalog: Catalog, model_server: ModelServer, stream: bool) -> None:
    """Content, tokens, "provider/model", and the cost in dollars by the model's prices; streamed or not."""
    model_server.script("hi", Answer("Hello, you there.", prompt_tokens=1000, completion_tokens=500))
    result = await call(catalog, chat("hi", stream=stream))
    prices = catalog.model("openai", CHEAP).prices
    assert prices is not None
    assert result.content == "Hello, you there."
    assert result.model == f"openai/{CHEAP}"
    assert result.usage.model_dump() == {"prompt_tokens": 1000, "completion_tokens": 500, "total_tokens": 1500}
    assert result.cost == pytest.approx((1000 * prices.input + 500 * prices.output) / 1_000_000)
    assert result.thoughts is None
    (sent,) = model_server.calls
    assert sent.body.get("stream", False) is stream
    assert [message["role"] for message in sent.body["messages"]] == ["system", "user"]
    assert sent.headers["authorization"] == f"Bearer {SECRET_KEY}"


async def test_parameters_pass_and_null_ones_are_dropped(catalog: Catalog, model_server: ModelServer) -> None:
    """What is set arrives as it was; what is null does not."""
    parameters = {"temperature": 0.5, "max_completion_tokens": 50, "top_p": None, "stop": ["END"]}
    await call(catalog, chat("hi", parameters=parameters))
    (sent,) = model_server.calls
    assert {name: sent.body.get(name) for name in parameters} == parameters
    assert "top_p" not in sent.body


@pytest.mark.parametrize(
    "name",
    ["api_base", "base_url", "api_key", "mock_response", "custom_llm_provider", "extra_headers", "model", "messages"],
)
async def test_a_caller_cannot_choose_where_a_call_goes(catalog: Catalog, model_server: ModelServer, name: str) -> None:
    """Parameters of litellm's own are refused by name, and nothing is called."""
    with pytest.raises(InvalidParameters, match=name):
        await call(catalog, chat("hi", parameters={name: "http://evil.example"}))
    assert not model_server.calls


async def test_reasoning_goes_through_the_responses_api_and_is_told(
    catalog: Catalog, model_server: ModelServer
) -> None:
    """The effort arrives with a summary asked for; the summary is in `thoughts`; the provider is to keep nothing."""
    model_server.script("why?", Answer("Because.", reasoning="Let me think."))
    result = await call(catalog, chat("why?", model=REASONING, parameters={"reasoning_effort": "low"}))
    assert result.content == "Because."
    assert result.thoughts == {"reasoning": "Let me think."}
    assert result.usage.total_tokens == 1500
    assert result.cost > 0
    (sent,) = model_server.calls
    assert sent.path == "/v1/responses"
    assert sent.body["reasoning"] == {"effort": "low", "summary": "auto"}
    assert sent.body["store"] is False


async def test_a_built_in_tool_goes_through_the_responses_api(catalog: Catalog, model_server: ModelServer) -> None:
    """The tool's entry in the catalog becomes the request's."""
    await call(catalog, chat("news?", builtInTools=["web_search"]))
    (sent,) = model_server.calls
    assert sent.path == "/v1/responses"
    assert [tool["type"] for tool in sent.body["tools"]] == ["web_search"]


async def test_a_tool_that_the_model_has_not_is_refused(catalog: Catalog) -> None:
    """By name."""
    with pytest.raises(UnknownBuiltInTool, match="time_travel"):
        await call(catalog, chat("hi", builtInTools=["time_travel"]))


async def test_reasoning_and_tool_calls_of_the_chat_api_are_told(catalog: Catalog, model_server: ModelServer) -> None:
    """`thoughts` holds both; an answer without text is an empty one."""
    tool_call = {"id": "c1", "type": "function", "function": {"name": "look", "arguments": "{}"}}
    model_server.script("look", Answer(None, reasoning="Hm.", tool_calls=[tool_call], finish_reason="tool_calls"))
    result = await call(catalog, chat("look"))
    assert result.content == ""
    assert result.thoughts["reasoning"] == "Hm."
    assert result.thoughts["tool_calls"][0]["function"] == tool_call["function"]


async def test_a_free_provider_costs_nothing(catalog: Catalog, model_server: ModelServer) -> None:
    """`local` bills tokens, and no dollars; it is sent no other provider's key."""
    result = await call(catalog, chat("hi", provider="local", model="smollm2-135m-instruct"))
    assert (result.cost, result.usage.total_tokens) == (0.0, 1500)
    (sent,) = model_server.calls
    assert SECRET_KEY not in sent.headers["authorization"]


@pytest.mark.parametrize(
    ("step", "transient", "words"),
    [
        (Fail(429, "Slow down."), True, "too many requests"),
        (Fail(500), True, "could not answer"),
        (Fail(502), True, "could not answer"),
        (Fail(503), True, "could not answer"),
        (Fail(504), True, ""),
        (Fail(408), True, "too long"),
        (Cut(), True, ""),
        (Fail(429, "You exceeded your quota.", "insufficient_quota"), False, "no quota left"),
        (Fail(401, f"Incorrect API key provided: {SECRET_KEY}."), False, "key"),
        (Fail(403, "No access."), False, "key"),
        (Fail(404, "The model does not exist."), False, "The model does not exist."),
        (Fail(400, "Bad value for 'temperature'."), False, "Bad value for 'temperature'."),
        (Fail(400, "Too many tokens.", "context_length_exceeded"), False, "too long"),
        (Fail(400, "Refused by our content policy.", "content_policy_violation"), False, "refused the content"),
        (Fail(422, "Unprocessable."), False, "Unprocessable."),
        (Answer("", finish_reason="content_filter"), False, "refused the content"),
    ],
)
async def test_failures_are_told_apart(
    catalog: Catalog, model_server: ModelServer, step: Any, transient: bool, words: str
) -> None:
    """What a retry may heal is transient; the rest ends with a sentence. One request each: retries are the queue's."""
    model_server.script("hi", step)
    failed = await failure(catalog, chat("hi"))
    assert (failed.transient, len(model_server.calls)) == (transient, 1)
    assert words in failed.message
    assert SECRET_KEY not in failed.message
    assert "litellm" not in failed.message.lower()


async def test_a_stream_that_breaks_off_is_no_answer(catalog: Catalog, model_server: ModelServer) -> None:
    """Half of an answer counts as a lost connection."""
    model_server.script("hi", Cut())
    assert (await failure(catalog, chat("hi", stream=True))).transient


async def test_a_server_that_nobody_answers_at_is_a_passing_failure(environ: dict[str, str]) -> None:
    """Connection refused may be another moment's success."""
    catalog = Catalog.load({**environ, "OPENAI_BASE_URL": "http://127.0.0.1:1/v1"})
    failed = await failure(catalog, chat("hi"))
    assert failed.transient
    assert "127.0.0.1" not in failed.message


async def test_a_model_that_hangs_is_given_up(catalog: Catalog, model_server: ModelServer) -> None:
    """After the time allowed, as something that may heal."""
    model_server.script("hi", Answer(delay=30))
    failed = await failure(catalog, chat("hi"), seconds=0.3)
    assert failed.transient
    assert "too long" in failed.message


async def test_a_provider_that_says_when_to_come_again_is_heard(catalog: Catalog, model_server: ModelServer) -> None:
    """Its `Retry-After` comes with the failure."""
    model_server.script("hi", Fail(429, headers={"Retry-After": "17"}))
    assert (await failure(catalog, chat("hi"))).retry_after == 17


async def test_keys_in_a_providers_words_are_hidden(catalog: Catalog, model_server: ModelServer) -> None:
    """The call's own and whatever looks like one; and the words are cut to a length."""
    model_server.script("hi", Fail(400, f"Bad {SECRET_KEY} and sk-proj-abcdefghijklmnop and " + "blah " * 200))
    failed = await failure(catalog, chat("hi"))
    assert SECRET_KEY not in failed.message
    assert "sk-proj" not in failed.message
    assert len(failed.message) < 400

"""Model calls with litellm over real HTTP to the scripted server."""

from typing import Any

import pytest

from shared.llm.catalog import Catalog, InvalidParameters, UnknownBuiltInTool
from shared.llm.completion import complete
from shared.llm.failures import ModelFailure
from shared.models.chat import ChatRequest, ChatResult
from tests.conftest import SECRET_KEY, Lines
from tests.doubles.model_server import Answer, BrokenConnection, Fail, ModelServer, UnfinishedStream

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
async def test_an_answer_has_usage_and_cost(catalog: Catalog, model_server: ModelServer, stream: bool) -> None:
    """With and without streaming, the result has the content, the tokens, "provider/model" and the cost."""
    model_server.script("hi", Answer("Hello, you there.", prompt_tokens=1000, completion_tokens=500))
    result = await call(catalog, chat("hi", stream=stream))
    prices = catalog.get_model("openai", CHEAP).prices
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


async def test_parameters_are_sent_unless_they_are_null(catalog: Catalog, model_server: ModelServer) -> None:
    """Parameters with a value are sent unchanged. Parameters that are null are not sent."""
    parameters = {"temperature": 0.5, "max_completion_tokens": 50, "top_p": None, "stop": ["END"]}
    await call(catalog, chat("hi", parameters=parameters))
    (sent,) = model_server.calls
    assert {name: sent.body.get(name) for name in parameters} == parameters
    assert "top_p" not in sent.body


@pytest.mark.parametrize(
    "name",
    ["api_base", "base_url", "api_key", "mock_response", "custom_llm_provider", "extra_headers", "model", "messages"],
)
async def test_a_caller_cannot_choose_the_address_of_a_call(
    catalog: Catalog, model_server: ModelServer, name: str
) -> None:
    """Arguments of litellm are refused by name, and nothing is called."""
    with pytest.raises(InvalidParameters, match=name):
        await call(catalog, chat("hi", parameters={name: "http://evil.example"}))
    assert not model_server.calls


async def test_reasoning_uses_the_responses_api_and_is_reported(catalog: Catalog, model_server: ModelServer) -> None:
    """A summary is requested and returned in `thoughts`, and the provider must not store the response."""
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


async def test_a_built_in_tool_uses_the_responses_api(catalog: Catalog, model_server: ModelServer) -> None:
    """The Responses API is called, and the tool's entry in the catalog is added to the request."""
    await call(catalog, chat("news?", builtInTools=["web_search"]))
    (sent,) = model_server.calls
    assert sent.path == "/v1/responses"
    assert [tool["type"] for tool in sent.body["tools"]] == ["web_search"]


async def test_a_tool_that_the_model_does_not_have_is_refused(catalog: Catalog) -> None:
    """The error for a tool that the model does not have names the tool."""
    with pytest.raises(UnknownBuiltInTool, match="time_travel"):
        await call(catalog, chat("hi", builtInTools=["time_travel"]))


async def test_reasoning_and_tool_calls_of_the_chat_api_are_reported(
    catalog: Catalog, model_server: ModelServer
) -> None:
    """`thoughts` contains the reasoning and the tool calls. The content of an answer without text is empty."""
    tool_call = {"id": "c1", "type": "function", "function": {"name": "look", "arguments": "{}"}}
    model_server.script("look", Answer(None, reasoning="Hm.", tool_calls=[tool_call], finish_reason="tool_calls"))
    result = await call(catalog, chat("look"))
    assert result.content == ""
    assert result.thoughts["reasoning"] == "Hm."
    assert result.thoughts["tool_calls"][0]["function"] == tool_call["function"]


async def test_a_free_provider_costs_nothing(catalog: Catalog, model_server: ModelServer) -> None:
    """A call of `local` has tokens but no cost, and does not contain another provider's key."""
    result = await call(catalog, chat("hi", provider="local", model="smollm2-135m-instruct"))
    assert (result.cost, result.usage.total_tokens) == (0.0, 1500)
    (sent,) = model_server.calls
    assert SECRET_KEY not in sent.headers["authorization"]


@pytest.mark.parametrize(
    ("step", "transient", "message"),
    [
        (Fail(429, "Slow down."), True, "too many requests"),
        (Fail(500), True, "could not answer"),
        (Fail(502), True, "could not answer"),
        (Fail(503), True, "could not answer"),
        (Fail(504), True, ""),
        (Fail(408), True, "too long"),
        (BrokenConnection(), True, ""),
        (Fail(429, "You exceeded your quota.", "insufficient_quota"), False, "no quota left"),
        (Fail(401, f"Incorrect API key provided: {SECRET_KEY}."), False, "key"),
        (Fail(403, "No access."), False, "does not allow this request: No access."),
        (Fail(404, "The model does not exist."), False, "The model does not exist."),
        (Fail(400, "Bad value for 'temperature'."), False, "Bad value for 'temperature'."),
        (Fail(400, "Too many tokens.", "context_length_exceeded"), False, "too long"),
        (Fail(400, "Refused by our content policy.", "content_policy_violation"), False, "refused the content"),
        (Fail(422, "Unprocessable."), False, "Unprocessable."),
        (Answer("", finish_reason="content_filter"), False, "refused the content"),
        (Fail(402, "Pay."), False, "no credit left"),
        (Fail(400, '{"error": {"message": "Inner words."}}'), False, "did not accept the request: Inner words."),
    ],
)
async def test_failures_are_classified(
    catalog: Catalog, model_server: ModelServer, step: Any, transient: bool, message: str
) -> None:
    """Failures are classified as temporary or permanent and have a message. litellm does not retry the request."""
    model_server.script("hi", step)
    failed = await failure(catalog, chat("hi"))
    assert (failed.transient, len(model_server.calls)) == (transient, 1)
    assert message in failed.message
    assert SECRET_KEY not in failed.message
    assert "litellm" not in failed.message.lower()


@pytest.mark.parametrize("step", [BrokenConnection(), UnfinishedStream()])
async def test_a_stream_that_breaks_off_is_a_failure(catalog: Catalog, model_server: ModelServer, step: Any) -> None:
    """An incomplete answer counts as a lost connection, even if the stream seems to end normally."""
    model_server.script("hi", step)
    assert (await failure(catalog, chat("hi", stream=True))).transient
    assert model_server.calls[0].body["stream"] is True


@pytest.mark.parametrize(
    "fields", [{}, {"builtInTools": ["web_search"]}, {"provider": "openrouter", "model": "openrouter/auto"}]
)
@pytest.mark.parametrize("stream", [True, False])
async def test_a_stream_is_requested_if_the_caller_wants_one(
    environ: dict[str, str], model_server: ModelServer, fields: dict[str, Any], stream: bool
) -> None:
    """With any tools and any provider, a stream is requested only if the caller asks for it."""
    environ |= {"OPENROUTER_API_KEY": "sk-or-1", "OPENROUTER_API_BASE": model_server.base_url}
    await call(Catalog.load(environ), chat("hi", stream=stream, **fields))
    assert model_server.calls[0].body.get("stream", False) is stream


@pytest.mark.parametrize("parameter", [{"stop": ["x"]}, {"seed": 1}, {"presence_penalty": 1}])
async def test_parameters_that_the_responses_api_would_drop_are_refused(
    catalog: Catalog, parameter: dict[str, Any]
) -> None:
    """Parameters that the Responses API would drop are refused by name before anything is called."""
    with pytest.raises(InvalidParameters, match="cannot be combined with built-in tools"):
        await call(catalog, chat("news?", builtInTools=["web_search"], parameters=parameter))


def charged_models() -> list[tuple[str, str]]:
    """Returns the models of the providers that use OpenAI's chat interface, which the scripted server supports."""
    catalog = Catalog.load({"OPENAI_API_KEY": "x", "OPENROUTER_API_KEY": "x", "PERPLEXITY_API_KEY": "x"})
    providers = ("openai", "openrouter", "perplexity")
    return [(provider, model) for provider in providers for model in catalog.get_provider(provider).models]


@pytest.mark.parametrize(("provider", "model"), charged_models())
async def test_no_charged_model_is_free(
    environ: dict[str, str], model_server: ModelServer, provider: str, model: str
) -> None:
    """A call costs something according to the provider or the catalog, unless the model has no price."""
    keys = {"OPENROUTER_API_KEY": "sk-or-1", "PERPLEXITY_API_KEY": "pplx-1"}
    bases = {"OPENROUTER_API_BASE": model_server.base_url, "PERPLEXITY_API_BASE": model_server.base_url}
    catalog = Catalog.load({**environ, **keys, **bases})
    result = await call(catalog, chat("hi", provider=provider, model=model))
    prices = catalog.get_model(provider, model).prices
    assert (result.cost > 0) is (prices is not None)


async def test_a_reported_cost_is_used(environ: dict[str, str], model_server: ModelServer) -> None:
    """OpenRouter reports the cost, which is more precise than the catalog."""
    environ |= {"OPENROUTER_API_KEY": "sk-or-1", "OPENROUTER_API_BASE": model_server.base_url}
    model_server.script("hi", Answer("yes", reported_cost=0.0123))
    result = await call(Catalog.load(environ), chat("hi", provider="openrouter", model="openrouter/auto"))
    assert result.cost == 0.0123


@pytest.mark.parametrize("content", ["cut \ud83d", "\udc00"])
async def test_an_incomplete_emoji_can_be_stored(catalog: Catalog, model_server: ModelServer, content: str) -> None:
    """An answer that is cut off within an emoji is still valid."""
    model_server.script("hi", Answer(content, reasoning=content))
    result = await call(catalog, chat("hi"))
    assert result.model_dump_json()


async def test_an_answer_that_is_cut_off_at_its_limit_is_marked(catalog: Catalog, model_server: ModelServer) -> None:
    """The `finish_reason` of an answer that is cut off at its limit is "length"."""
    model_server.script("hi", Answer("It was a dark and", finish_reason="length"))
    assert (await call(catalog, chat("hi"))).thoughts == {"finish_reason": "length"}


async def test_an_unreachable_server_is_a_temporary_failure(environ: dict[str, str], lines: Lines) -> None:
    """A refused connection is a temporary failure. The log contains the message."""
    catalog = Catalog.load({**environ, "OPENAI_BASE_URL": "http://127.0.0.1:1/v1"})
    failed = await failure(catalog, chat("hi"))
    assert failed.transient
    assert failed.message == "OpenAI could not be reached."
    (line,) = (line for line in lines() if line["logger"] == "agents.llm")
    assert line["severity"] == "WARNING"
    assert line["message"] == f"A call to openai/{CHEAP} failed: OpenAI could not be reached"


@pytest.mark.parametrize(
    ("provider", "model", "variable", "message"),
    [
        ("ollama", "llama3.1", "OLLAMA_API_BASE", "Ollama does not respond at http://127.0.0.1:1. Is it running?"),
        ("ollama", "llama3.1", "OLLAMA_API_BASE", "Ollama does not respond at http://localhost:1. Is it running?"),
        (
            "local",
            "smollm2-135m-instruct",
            "LOCAL_MODEL_BASE_URL",
            "Local model does not respond at http://127.0.0.1:1. Is it running?",
        ),
    ],
)
async def test_the_server_of_a_free_model_is_named_if_it_does_not_run(
    environ: dict[str, str], provider: str, model: str, variable: str, message: str
) -> None:
    """The message contains the server's address on this machine, and the failure is temporary."""
    catalog = Catalog.load({**environ, variable: message.partition(" at ")[2].partition(". ")[0]})
    failed = await failure(catalog, chat("hi", provider=provider, model=model))
    assert (failed.message, failed.transient) == (message, True)


async def test_a_chat_that_is_too_long_is_reported_with_the_models_limit(
    catalog: Catalog, model_server: ModelServer
) -> None:
    """The message differs from the server's message, which is meant for its operator."""
    model_server.script("hi", Fail(400, "request (2105 tokens) exceeds the available context size (2048 tokens)"))
    failed = await failure(catalog, chat("hi", provider="local", model="smollm2-135m-instruct"))
    assert failed.message == (
        "This is too long for local/smollm2-135m-instruct, which accepts at most 2048 tokens. "
        "Shorten it, or choose another model."
    )
    assert not failed.transient


async def test_a_model_that_hangs_is_abandoned(catalog: Catalog, model_server: ModelServer) -> None:
    """The call fails at the timeout and can be retried."""
    model_server.script("hi", Answer(delay=30))
    failed = await failure(catalog, chat("hi"), seconds=0.3)
    assert failed.transient
    assert "too long" in failed.message


async def test_retry_after_is_passed_on(catalog: Catalog, model_server: ModelServer) -> None:
    """The failure has the provider's `Retry-After`."""
    model_server.script("hi", Fail(429, headers={"Retry-After": "17"}))
    assert (await failure(catalog, chat("hi"))).retry_after == 17


async def test_keys_in_a_providers_message_are_hidden(environ: dict[str, str], model_server: ModelServer) -> None:
    """The key of the call and likely keys are hidden, and the message is shortened."""
    plain = "plain-short-key"
    catalog = Catalog.load({**environ, "OPENAI_API_KEY": plain})
    model_server.script("hi", Fail(400, f"Bad {plain} and sk-proj-abcdefghijklmnop and " + "blah " * 200))
    failed = await failure(catalog, chat("hi"))
    assert plain not in failed.message
    assert "sk-proj" not in failed.message
    assert len(failed.message) < 400

"""Images in calls: each provider gets them in its own form, and their cost is bounded without counting their bytes."""

import base64
import json
import logging
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.llm.catalog import Catalog, InvalidMessages, ModelRoute
from shared.llm.catalog.data import list_provider_slugs, load_curated
from shared.llm.catalog.provider_info import describe_provider
from shared.llm.completion import complete
from shared.llm.estimate import bound_cost, fit_output
from shared.models.chat import ChatRequest
from shared.models.money import to_micros
from shared.settings import Settings
from tests.doubles.model_server import Wire
from tests.doubles.provider_responses import anthropic, chat, converse, gemini, output_text, responses
from tests.doubles.recorder import Recorder
from tests.images import GIF, JPEG, PNG, WEBP, data_url, image_part
from tests.llm.catalog.environs import EVERYTHING
from tests.llm.conftest import MODELS, Providers
from tests.llm.wire import Wire as Sender
from tests.llm.wire import leaves

EVERY_PROVIDER = pytest.mark.parametrize("provider", list_provider_slugs())
IMAGES = [(PNG, "image/png"), (JPEG, "image/jpeg"), (GIF, "image/gif"), (WEBP, "image/webp")]
SETTINGS = Settings()
CATALOG = Catalog.load(EVERYTHING)
BIG = PNG + bytes(1_500_000)


def list_routes(*, vision: bool) -> list[ModelRoute]:
    return [
        CATALOG.route(provider, model)
        for provider in list_provider_slugs()
        for model, info in describe_provider(provider).models.items()
        if ("vision" in info.abilities) is vision
    ]


def request_of(route: ModelRoute, *images: bytes, text: str = "hi", **parameters: Any) -> ChatRequest:
    content = [{"type": "text", "text": text}, *(image_part(data_url(image)) for image in images)]
    return ChatRequest.model_validate(
        {
            "messages": [{"role": "user", "content": content}],
            "provider": route.provider,
            "model": route.model,
            "parameters": parameters,
        }
    )


@EVERY_PROVIDER
@pytest.mark.parametrize("stream", [False, True])
async def test_images_of_every_type_arrive(provider: str, stream: bool) -> None:
    """Every model that accepts images gets their bytes unchanged and in order, after the text before them."""
    recorder = Recorder()
    recorder.start()
    try:
        sender = Sender(recorder)
        content = [{"type": "text", "text": "What is this?"}]
        content += [image_part(data_url(data, media_type)) for data, media_type in IMAGES]  # pyright: ignore[reportArgumentType]
        messages = [{"role": "user", "content": content}]
        for route in sender.routes(provider):
            if "vision" not in route.info.abilities:
                continue
            efforts = route.info.parameters.get("reasoning_effort")
            effort = {"reasoning_effort": (efforts.choices or [])[-1]} if efforts else {}
            for parameters in ({}, effort):
                body = await sender.send(route, parameters, messages=messages, stream=stream)
                sent = [leaf.rpartition(",")[2] for leaf in leaves(body) if isinstance(leaf, str)]
                expected = [base64.b64encode(data).decode() for data, _ in IMAGES]
                found = [text for text in sent if text in expected]
                assert found == expected, route.name
                assert any("What is this?" in text for text in sent), route.name
    finally:
        recorder.stop()


@pytest.mark.parametrize("route", list_routes(vision=False), ids=lambda route: route.name)
def test_a_model_without_vision_refuses_images(route: ModelRoute) -> None:
    """The error names the model, and what it can be replaced with."""
    with pytest.raises(InvalidMessages, match="accepts no images") as raised:
        bound_cost(route, request_of(route, PNG), SETTINGS)
    assert route.name in raised.value.message
    assert "vision" in raised.value.message


@pytest.mark.parametrize("role", ["system", "assistant"])
def test_only_users_show_images(role: str) -> None:
    """An image in another message is refused for every model, since most providers would refuse it."""
    message = {"role": role, "content": [image_part()]}
    body = {"messages": [message, {"role": "user", "content": "hi"}], "provider": "openai", "model": "gpt-4.1"}
    with pytest.raises(InvalidMessages, match="Only messages of the user"):
        bound_cost(CATALOG.route("openai", "gpt-4.1"), ChatRequest.model_validate(body), SETTINGS)


def test_a_message_may_consist_of_an_image_alone() -> None:
    """Such a message is not empty. Blank texts beside images are omitted, because some providers refuse them."""
    route = CATALOG.route("anthropic", "claude-haiku-4-5")
    assert bound_cost(route, request_of(route, PNG, text=" "), SETTINGS).maximum > 0


@pytest.mark.parametrize(("chosen", "sent"), [(None, "high"), ("auto", "high"), ("low", "low"), ("high", "high")])
async def test_the_level_of_detail_is_never_unlimited(providers: Providers, chosen: str | None, sent: str) -> None:
    """Without a level, OpenAI's newest models would look at every pixel of an image, however many tokens that costs."""
    part = image_part(detail=chosen) if chosen else image_part()
    messages = [{"role": "user", "content": [{"type": "text", "text": "hi"}, part]}]
    await providers.ask("openai", Wire(chat()), messages=messages)
    assert providers.call.body["messages"][0]["content"][1]["image_url"]["detail"] == sent


async def test_an_address_is_never_given_to_litellm(providers: Providers) -> None:
    """litellm would fetch it from wherever it leads, so it must be fetched before."""
    route = providers.catalog.route("openai", "gpt-4.1")
    messages = [{"role": "user", "content": [image_part("https://example.com/a.png")]}]
    request = ChatRequest.model_validate({"messages": messages, "provider": "openai", "model": "gpt-4.1"})
    with pytest.raises(ValueError, match="fetched before"):
        await complete(route, request, 5)
    assert not providers.server.calls


@pytest.mark.parametrize("route", list_routes(vision=True), ids=lambda route: route.name)
def test_an_image_counts_its_bound_and_not_its_bytes(route: ModelRoute) -> None:
    """A large image holds as much as a small one, and each further image adds the documented bound."""
    if not route.charged:
        assert bound_cost(route, request_of(route, BIG), SETTINGS).maximum == 0
        return
    assert route.image is not None
    assert route.info.prices is not None
    one, two = request_of(route, PNG, max_tokens=16), request_of(route, PNG, BIG, max_tokens=16)
    small, both = (bound_cost(route, request, SETTINGS).maximum for request in (one, two))
    assert bound_cost(route, request_of(route, BIG, max_tokens=16), SETTINGS).maximum == small
    added = (both - small) / route.info.prices.highest_input(0)
    assert route.image.tokens <= added <= route.image.tokens + 150


def bill_of(route: ModelRoute, prompt: int, completion: int) -> dict[str, Any]:
    """Returns an answer with these tokens, in the form of the route's provider."""
    match route.provider:
        case "anthropic":
            text = {"type": "text", "text": "yes"}
            return anthropic(text, usage={"input_tokens": prompt, "output_tokens": completion})
        case "gemini":
            answer = gemini({"text": "yes"})
            counts = {"promptTokenCount": prompt, "candidatesTokenCount": completion}
            return {**answer, "usageMetadata": {**counts, "totalTokenCount": prompt + completion}}
        case "bedrock":
            counts = {"inputTokens": prompt, "outputTokens": completion, "totalTokens": prompt + completion}
            return {**converse({"text": "yes"}), "usage": counts}
        case _:
            return chat(usage={"prompt_tokens": prompt, "completion_tokens": completion})


@pytest.mark.parametrize("provider", ["openai", "anthropic", "gemini", "bedrock", "openrouter"])
@pytest.mark.parametrize("count", [1, 3, 20])
@pytest.mark.parametrize("counted", [True, False])
async def test_the_bound_covers_what_is_billed(providers: Providers, provider: str, count: int, counted: bool) -> None:
    """The hold covers images that count as much as documented, also if the provider does not count at all."""
    route = providers.catalog.route(provider, MODELS[provider])
    assert route.image is not None
    images = [PNG + bytes(number * 10_000) for number in range(count)]
    request = request_of(route, *images, max_tokens=500)
    text_tokens = len(json.dumps([{"role": "user", "content": "hi"}])) // 4
    answer = bill_of(route, count * route.image.tokens + text_tokens, 500)
    if not counted:
        answer = {name: value for name, value in answer.items() if name not in ("usage", "usageMetadata")}
    bounds = bound_cost(route, request, SETTINGS)
    fitted = fit_output(route, request, bounds.maximum)
    providers.server.script("hi", Wire(answer))
    result = await complete(route, fitted, 10)
    assert 0 < to_micros(result.cost) <= bounds.maximum
    assert result.usage.prompt_tokens >= count * route.image.tokens


@pytest.mark.parametrize("provider", ["openai", "anthropic", "gemini", "bedrock", "openrouter"])
async def test_the_bound_covers_a_lost_answer(providers: Providers, provider: str) -> None:
    """What is charged for a lost answer is estimated without the bytes of the images, and is covered."""
    route = providers.catalog.route(provider, MODELS[provider])
    request = request_of(route, BIG, BIG, max_tokens=500)
    messages = [message.model_dump() for message in request.messages]
    lost = Wire(b'{"a": ', cut=True)
    failed = await providers.failure(provider, lost, messages=messages, parameters=request.parameters)
    bounds = bound_cost(route, request, SETTINGS)
    assert 0 < to_micros(failed.cost) <= bounds.maximum


async def test_the_responses_interface_gets_images(providers: Providers) -> None:
    """Calls with a reasoning effort use OpenAI's Responses API, which has another form of images."""
    fields: dict[str, Any] = {"model": "gpt-5-mini", "parameters": {"reasoning_effort": "low"}}
    messages = [{"role": "user", "content": [{"type": "text", "text": "hi"}, image_part()]}]
    await providers.ask("openai", Wire(responses(output_text("yes"))), messages=messages, **fields)
    (item,) = providers.call.body["input"]
    assert item["content"][1] == {"type": "input_image", "image_url": data_url(PNG), "detail": "high"}


def test_every_charged_model_with_vision_has_a_bound() -> None:
    """Without one, images would be held for at an assumed number of tokens."""
    for route in list_routes(vision=True):
        assert route.image is not None or not load_curated(route.provider).charged, route.name


@given(count=st.integers(1, 20), text=st.text(min_size=1, max_size=50), limit=st.integers(16, 2_000))
def test_each_image_is_covered(count: int, text: str, limit: int) -> None:
    """The bound covers any text beside any number of images."""
    route = CATALOG.route("openai", "gpt-4o-mini")
    assert route.image is not None
    assert route.info.prices is not None
    bounds = bound_cost(route, request_of(route, *[PNG] * count, text=f"x{text}", max_tokens=limit), SETTINGS)
    window = route.info.context_window or 0
    tokens = min(count * route.image.tokens + len(text.encode("utf-8", "surrogatepass")), window)
    assert bounds.maximum >= tokens * route.info.prices.input + limit * route.info.prices.output


@pytest.mark.parametrize("status", [400, 500])
async def test_a_provider_that_quotes_an_image_does_not_bring_it_into_messages_or_logs(
    providers: Providers, caplog: pytest.LogCaptureFixture, status: int
) -> None:
    """An image in an error message is replaced, whether it is quoted as a URL or only as base64."""
    encoded = base64.b64encode(BIG).decode()
    caplog.set_level(logging.INFO)
    for quoted in (data_url(BIG), encoded, encoded[:500]):
        message = {"error": {"message": f"The image {quoted} is invalid.", "type": "invalid_request_error"}}
        messages = [{"role": "user", "content": [{"type": "text", "text": "hi"}, image_part(data_url(BIG))]}]
        failed = await providers.failure("openai", Wire(message, status=status), messages=messages)
        assert encoded[:40] not in failed.message
    assert encoded[:40] not in caplog.text

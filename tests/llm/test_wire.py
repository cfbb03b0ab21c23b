"""The accepted parameters, tools and messages of each model reach a recording server through litellm."""

import contextlib
import itertools
import json
from collections.abc import Iterator
from typing import Any, cast

import pytest

from shared.llm.catalog import CatalogError, InvalidMessages, InvalidParameters, ModelRoute, check_call
from shared.llm.catalog.data import list_provider_slugs
from shared.llm.streams import choose_joiner
from shared.llm.streams.chat import ChatJoiner
from shared.llm.streams.converse import ConverseJoiner
from shared.llm.streams.gemini import GeminiJoiner
from shared.llm.streams.messages import MessagesJoiner
from shared.llm.streams.ollama import OllamaJoiner
from shared.llm.streams.responses import ResponsesJoiner
from shared.models.catalog import ParameterSpec
from tests.doubles.recorder import Recorder
from tests.llm.wire import QUESTION, Wire, leaves

EVERY_PROVIDER = pytest.mark.parametrize("provider", list_provider_slugs())
SCHEMA = {"type": "object", "properties": {"answer": {"type": "string"}}, "required": ["answer"]}
FORMATS: dict[str, dict[str, Any]] = {
    "json_object": {"type": "json_object"},
    "json_schema": {"type": "json_schema", "json_schema": {"name": "answer", "schema": SCHEMA}},
}


@pytest.fixture(scope="module")
def wire() -> Iterator[Wire]:
    recorder = Recorder()
    recorder.start()
    yield Wire(recorder)
    recorder.stop()


def specs(route: ModelRoute) -> dict[str, ParameterSpec]:
    return {**route.unlisted_parameters, **route.info.parameters}


def list_samples(name: str, spec: ParameterSpec) -> list[Any]:
    """Returns the parameter's bounds or its choices."""
    if name in ("max_tokens", "max_completion_tokens"):
        return [16, spec.max or 2000]
    if name == "response_format":
        return [FORMATS[kind] for kind in spec.choices or [] if kind in FORMATS]
    bounds = [bound for bound in (spec.min, spec.max) if bound is not None]
    plain = {"array": [["END", "STOP"]], "string": ["x"], "object": [{"50256": -1}]}
    return plain.get(spec.type) or spec.choices or bounds


def has_arrived(name: str, value: Any, body: dict[str, Any], plain: dict[str, Any]) -> bool:
    """Returns whether a value is in the body or, for a parameter with another name there, whether the body differs."""
    if name in ("reasoning_effort", "response_format", "verbosity"):
        return body != plain
    return {*leaves(value)} <= {leaf for leaf in leaves(body) if type(leaf) is not bool}


@EVERY_PROVIDER
async def test_a_schema_is_not_larger_than_the_hold_assumes(wire: Wire, provider: str) -> None:
    """litellm does not inline references that the hold did not count, which would make the schema much longer."""
    names = [f"d{number}" for number in range(6)]
    inner = [{"$ref": f"#/$defs/{name}"} for name in names[1:]] + [{"type": "string"}]
    fields = {
        name: {"type": "object", "properties": {f"p{number}": item for number in range(4)}}
        for name, item in zip(names, inner, strict=True)
    }
    schema = {"type": "object", "properties": {"a": {"$ref": "#/$defs/d0"}}, "$defs": fields}
    parameters = {"response_format": {"type": "json_schema", "json_schema": {"name": "answer", "schema": schema}}}
    for route in wire.routes(provider):
        try:
            call = check_call(route, parameters, ())
        except InvalidParameters:
            continue
        body = await wire.send(route, parameters)
        assert len(json.dumps(body)) <= 4 * len(json.dumps(call.parameters)), route.name


ODD_NAMES = (
    "$ref", "$defs", "definitions", "type", "properties", "required", "additionalProperties", "anyOf", "items", "enum",
    "const", "default", "title", "", "ключ 😀",
)  # fmt: skip


def has_property(name: str, value: Any) -> bool:
    """Returns whether a schema in a body, which may be a string, has the marked property."""
    if isinstance(value, str) and value.startswith("{"):
        return has_property(name, json.loads(value))
    if isinstance(value, dict):
        fields = cast("dict[str, Any]", value)
        properties = fields.get("properties")
        if isinstance(properties, dict) and "marked" in leaves(cast("dict[str, Any]", properties).get(name)):
            return True
        return any(has_property(name, item) for item in fields.values())
    return isinstance(value, list) and any(has_property(name, item) for item in cast("list[Any]", value))


@EVERY_PROVIDER
async def test_properties_may_have_any_name(wire: Wire, provider: str) -> None:
    """Properties may be named like schema keywords. Names that cannot be sent are refused in advance."""
    for route in wire.routes(provider):
        spec = specs(route).get("response_format")
        if spec is None or "json_schema" not in (spec.choices or []):
            continue
        for name in ODD_NAMES:
            marked = {"type": "string", "description": "marked"}
            schema = {"type": "object", "properties": {name: marked}, "required": [name], "additionalProperties": False}
            parameters = {"response_format": {"type": "json_schema", "json_schema": {"name": "a", "schema": schema}}}
            try:
                body = await wire.send(route, parameters)
            except InvalidParameters:
                assert (name, route.writes_out_references) == ("$ref", True), route.name
            else:
                assert has_property(name, body), (route.name, name)


@EVERY_PROVIDER
async def test_every_parameter_arrives(wire: Wire, provider: str) -> None:
    """Each bound and choice of each model's parameters is sent. litellm neither drops nor refuses any of them."""
    lost: list[str] = []
    for route in wire.routes(provider):
        plain = await wire.send(route, {})
        for name, spec in specs(route).items():
            for value in list_samples(name, spec):
                if name == "n" and route.api == "responses":
                    continue
                try:
                    body = await wire.send(route, {name: value})
                except Exception as error:
                    lost.append(f"{route.name} {name} {value}: {error!r}"[:300])
                    continue
                if not has_arrived(name, value, body, plain):
                    lost.append(f"{route.name} {name} {value}: dropped")
    assert not lost


@EVERY_PROVIDER
async def test_every_tool_arrives(wire: Wire, provider: str) -> None:
    """Each tool is sent with its limit on uses, if any, and with all defaults of the model."""
    lost: list[str] = []
    for route in wire.routes(provider):
        for tool in route.info.built_in_tools:
            body = await wire.send(route, defaults(route), [tool.id])
            without_tool = await wire.send(route, defaults(route))
            limits = [*leaves(route.parameter_tools.get(tool.id)), *leaves(route.tools.get(tool.id))]
            numbers = {value for value in limits if type(value) is int}
            if body == without_tool or not numbers <= {value for value in leaves(body) if type(value) is int}:
                lost.append(f"{route.name} {tool.id}")
    assert not lost


STREAMED_PATHS = {"generateContent": "streamGenerateContent", "converse": "converse-stream"}
JOINERS = {
    "anthropic": MessagesJoiner,
    "bedrock": ConverseJoiner,
    "gemini": GeminiJoiner,
    "ollama": OllamaJoiner,
}


@EVERY_PROVIDER
async def test_every_call_can_be_streamed(wire: Wire, provider: str) -> None:
    """With any parameters and tools, a stream is requested with the same body, and joined in the interface's form."""
    for route in wire.routes(provider):
        efforts: list[dict[str, Any]] = [{}, {"reasoning_effort": "low"}]
        tools: list[list[str]] = [[], *([tool.id] for tool in route.info.built_in_tools)]
        for parameters, chosen in itertools.product(efforts, tools):
            try:
                whole, path = await wire.send(route, parameters, chosen), wire.path
            except CatalogError:
                continue
            streamed = await wire.send(route, parameters, chosen, stream=True)
            start, _, action = path.rpartition(":" if provider == "gemini" else "/")
            assert wire.path == start + path[len(start) :][:1] + STREAMED_PATHS.get(action, action)
            asked = streamed.pop("stream", None) is True or wire.path != path
            counts = streamed.pop("stream_options", None) == {"include_usage": True}
            concise = streamed.pop("stream_mode", None) == "concise"
            assert asked, route.name
            assert concise == (provider == "perplexity"), route.name
            assert counts == (wire.path.endswith("/chat/completions") and provider != "perplexity"), route.name
            assert streamed == {name: value for name, value in whole.items() if name != "stream"}, route.name
            form = ResponsesJoiner if wire.path.endswith("/responses") else JOINERS.get(provider, ChatJoiner)
            assert type(choose_joiner(wire.path, None)) is form, route.name


def defaults(route: ModelRoute) -> dict[str, Any]:
    return {name: spec.default for name, spec in route.info.parameters.items() if spec.default is not None}


@EVERY_PROVIDER
async def test_all_defaults_can_be_sent_back(wire: Wire, provider: str) -> None:
    """If a frontend sends all defaults, all of them except redundant ones arrive."""
    lost: list[str] = []
    for route in wire.routes(provider):
        plain = await wire.send(route, {})
        body = await wire.send(route, defaults(route))
        redundant = {"presence_penalty", "frequency_penalty"}
        for name, value in defaults(route).items():
            if not has_arrived(name, value, body, plain) and name not in redundant:
                lost.append(f"{route.name} {name}")
    assert not lost


@EVERY_PROVIDER
def test_one_parameter_can_be_changed_among_the_defaults(wire: Wire, provider: str) -> None:
    """Any one parameter may have any of its choices or bounds while the others have their defaults."""
    refused: list[str] = []
    for route in wire.routes(provider):
        for name, spec in route.info.parameters.items():
            for value in list_samples(name, spec):
                try:
                    check_call(route, {**defaults(route), name: value}, [])
                except InvalidParameters as error:
                    refused.append(f"{route.name} {name} {value}: {error.message}")
    assert not refused


def assert_valid(route: ModelRoute, body: dict[str, Any]) -> None:
    """Checks the documented rules for requests to Claude, directly or through Bedrock. Ignores other requests."""
    more = body.get("additionalModelRequestFields", {})
    limits = body.get("inferenceConfig", body)
    thinking = body.get("thinking") or more.get("thinking")
    temperature = limits.get("temperature")
    top_p = limits.get("topP", limits.get("top_p"))
    top_k = body.get("top_k", more.get("top_k"))
    if "claude" not in route.model or "generationConfig" in body:
        return
    assert temperature is None or top_p is None, body
    if thinking:
        assert temperature in (None, 1), body
        assert top_p is None or top_p >= 0.95, body
        assert top_k is None, body
        if budget := thinking.get("budget_tokens"):
            assert limits.get("max_tokens", limits.get("maxTokens")) > budget >= 1024, body


@pytest.mark.parametrize(
    ("provider", "model"),
    [
        ("anthropic", "claude-haiku-4-5"),
        ("anthropic", "claude-sonnet-4-6"),
        ("anthropic", "claude-opus-5-5"),
        ("bedrock", "global.anthropic.claude-haiku-4-5-20251001-v1:0"),
        ("bedrock", "global.anthropic.claude-sonnet-5-5"),
    ],
)
async def test_parameters_for_claude_are_refused_or_valid_together(wire: Wire, provider: str, model: str) -> None:
    """In any accepted combination, the thinking budget is below the answer limit, and sampling does not conflict."""
    (route,) = [route for route in wire.routes(provider) if route.model == model]
    choices: dict[str, list[Any]] = {
        "reasoning_effort": [None, "low", "high"],
        "max_tokens": [None, 1000, 1024, 1025, 4096, 4097],
        "temperature": [None, 0.5, 1],
        "top_p": [None, 0.9, 0.95],
        "top_k": [None, 5],
    }
    sent = 0
    for values in itertools.product(*choices.values()):
        parameters = dict(zip(choices, values, strict=True))
        with contextlib.suppress(InvalidParameters):
            assert_valid(route, await wire.send(route, parameters))
            sent += 1
    assert sent > 10


TURNS = (
    ("system", "rules"),
    ("user", "question"),
    ("assistant", "answer"),
    ("assistant", ""),
    ("user", " \n"),
    ("system", " "),
)


def conversations() -> Iterator[list[dict[str, str]]]:
    """Yields all orders of one or two messages, with and without text, and some longer ones. All texts differ."""
    longer = [
        (1, 2, 1),
        (1, 3, 1),
        (1, 2, 0),
        (0, 1, 2),
        (2, 1, 2),
        (1, 4, 2, 1),
        (1, 2, 0, 1),
        (1, 1, 2, 2, 1),
        (0, 5, 1),
    ]
    orders = [order for length in (1, 2) for order in itertools.product(range(len(TURNS)), repeat=length)]
    for order in [*orders, *longer]:
        turns = [TURNS[kind] for kind in order]
        yield [
            {"role": role, "content": f"{content}{number} " if content.strip() else content}
            for number, (role, content) in enumerate(turns)
        ]


@EVERY_PROVIDER
async def test_exactly_the_callers_text_arrives(wire: Wire, provider: str) -> None:
    """For each kind of conversation rules, exactly the caller's words are sent, without empty messages."""
    kinds = {(route.api, repr(route.conversation)): route for route in wire.routes(provider)}
    for route in kinds.values():
        accepted = 0
        for messages in conversations():
            try:
                body = await wire.send(route, {}, messages=messages)
            except InvalidMessages:
                continue
            accepted += 1
            texts = [text for text in leaves(read_messages(body)) if isinstance(text, str)]
            words = [word for text in texts for word in text.split() if word not in ROLES]
            written = [word for message in messages for word in message["content"].split()]
            assert sorted(words) == sorted(written), (route.name, messages, body)
            assert all(text.strip() for text in texts), (route.name, messages, body)
        assert accepted > 5


ROLES = {"system", "user", "assistant", "model", "text", "input_text", "output_text", "message"}


def read_messages(body: dict[str, Any]) -> list[Any]:
    names = ("messages", "system", "contents", "system_instruction", "instructions", "input")
    return [body[name] for name in names if name in body]


@EVERY_PROVIDER
async def test_no_refusal_contains_advice_from_litellm(wire: Wire, provider: str) -> None:
    """No error message for a refused request contains advice from litellm."""
    refused: list[str] = []
    generic = {"temperature": 0.3, "top_p": 0.2, "top_k": 3, "stop": ["a", " "], "seed": 1, "logit_bias": {"1": 1},
               "presence_penalty": 1, "frequency_penalty": 1, "reasoning_effort": "high", "verbosity": "high", "n": 1,
               "user": "me@example.com", "response_format": {"type": "json_object"}, "max_tokens": 50}  # fmt: skip
    for route in wire.routes(provider):
        for parameters in [{name: value} for name, value in generic.items()]:
            try:
                await wire.send(route, parameters, messages=QUESTION)
            except CatalogError as error:
                refused.append(error.message)
    assert refused or provider == "local"
    assert not [message for message in refused if "litellm" in message.lower() or "drop" in message]

"""The parameters that callers may send to a model. All others are refused."""

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.llm.catalog import Catalog, InvalidParameters, ModelRoute, check_parameters
from tests.llm.catalog.environs import EVERYTHING

CATALOG = Catalog.load(EVERYTHING)
ROUTES = [
    CATALOG.route(slug, model) for slug, provider in CATALOG.list_providers().items() for model in provider.models
]
GPT_41 = CATALOG.route("openai", "gpt-4.1")
GPT_5 = CATALOG.route("openai", "gpt-5")
CLAUDE = CATALOG.route("anthropic", "claude-haiku-4-5")
SONAR = CATALOG.route("perplexity", "sonar")

STOP_ERROR = "stop must be a list of non-empty strings, at most 4 of them."
EFFORT_ERROR = "openai/gpt-4.1 has no parameter 'reasoning_effort'. Did you mean response_format?"
NO_STOP_ERROR = (
    "openai/gpt-5 has no parameter 'stop'. Available: max_completion_tokens, verbosity, reasoning_effort, "
    "max_tokens, temperature, n, user, seed, response_format."
)
BIAS_ERROR = "logit_bias must map token ids, which are digits, to numbers from -100 to 100."

FORBIDDEN = (
    "api_base", "api_key", "base_url", "api_version", "headers", "extra_headers", "default_headers",
    "extra_body", "extra_query", "mock_response", "mock_tool_calls", "custom_llm_provider",
    "fallbacks", "context_window_fallbacks", "callbacks", "success_callback", "failure_callback",
    "metadata", "litellm_metadata", "model", "messages", "tools", "tool_choice", "stream",
    "stream_options", "timeout", "num_retries", "max_retries", "model_list", "caching", "cache",
    "aws_access_key_id", "aws_secret_access_key", "aws_session_token", "aws_region_name",
    "aws_role_name", "aws_bedrock_runtime_endpoint", "vertex_credentials", "azure_ad_token",
    "client", "http_client", "proxy_server_request", "litellm_params", "input_cost_per_token",
    "service_tier", "store", "user_id", "web_search_options", "plugins", "drop_params",
    "allowed_openai_params", "_skip_mcp_handler", "__class__", "", "Temperature", "temperature ",
)  # fmt: skip


@pytest.mark.parametrize("name", FORBIDDEN)
def test_parameters_that_control_a_request_are_refused(name: str):
    """Addresses, keys, headers, callbacks and similar names are refused for every model and value."""
    for route in ROUTES:
        for value in ("x", {"a": 1}, ["x"], 1, True):
            with pytest.raises(InvalidParameters, match="has no parameter"):
                check_parameters(route, {name: value})


def test_null_means_not_set():
    """Parameters with the value null are omitted, whatever their names, because frontends send all their fields."""
    assert check_parameters(GPT_41, {"temperature": None, "api_base": None, "top_p": 0.5}) == {"top_p": 0.5}
    assert check_parameters(GPT_41, {}) == {}


@pytest.mark.parametrize(
    ("route", "parameters", "sent"),
    [
        (GPT_41, {"temperature": 0}, {"temperature": 0}),
        (GPT_41, {"temperature": 2.0}, {"temperature": 2.0}),
        (GPT_41, {"max_completion_tokens": 32768}, {"max_completion_tokens": 32768}),
        (GPT_41, {"max_tokens": 16.0}, {"max_tokens": 16}),
        (GPT_41, {"stop": "END"}, {"stop": ["END"]}),
        (GPT_41, {"stop": ["a", "b"]}, {"stop": ["a", "b"]}),
        (GPT_41, {"n": 1, "user": "someone"}, {"n": 1, "user": "someone"}),
        (GPT_41, {"response_format": {"type": "json_object"}}, {"response_format": {"type": "json_object"}}),
        (GPT_41, {"logit_bias": {"50256": -100}}, {"logit_bias": {"50256": -100}}),
        (GPT_5, {"reasoning_effort": "minimal"}, {"reasoning_effort": "minimal"}),
        (GPT_5, {"verbosity": "low"}, {"verbosity": "low"}),
        (GPT_5, {"temperature": 1}, {"temperature": 1}),
        (CATALOG.route("ollama", "llama3.1"), {"num_ctx": 8192}, {"num_ctx": 8192}),
        (CATALOG.route("anthropic", "claude-sonnet-4-6"), {"top_k": 5}, {"top_k": 5}),
    ],
)  # fmt: skip
def test_valid_parameters_are_sent(route: ModelRoute, parameters: dict[str, Any], sent: dict[str, Any]):
    """Listed and generic parameters are accepted. A string counts as a list with one item, and 16.0 as 16."""
    checked = check_parameters(route, parameters)
    assert checked == sent
    assert [type(value) for value in checked.values()] == [type(value) for value in sent.values()]


@pytest.mark.parametrize(
    ("route", "parameters", "message"),
    [
        (GPT_41, {"temperature": 2.1}, "temperature must be a number from 0 to 2."),
        (GPT_41, {"temperature": -0.1}, "temperature must be a number from 0 to 2."),
        (GPT_41, {"temperature": "1"}, "temperature must be a number from 0 to 2."),
        (GPT_41, {"temperature": True}, "temperature must be a number from 0 to 2."),
        (GPT_41, {"temperature": math.nan}, "temperature must be a number from 0 to 2."),
        (GPT_41, {"temperature": math.inf}, "temperature must be a number from 0 to 2."),
        (GPT_41, {"temperature": 10**400}, "temperature must be a number from 0 to 2."),
        (GPT_41, {"temperature": [1]}, "temperature must be a number from 0 to 2."),
        (GPT_41, {"max_tokens": 0}, "max_tokens must be a whole number from 1 to 32768."),
        (GPT_41, {"max_tokens": 32769}, "max_tokens must be a whole number from 1 to 32768."),
        (GPT_41, {"max_tokens": 1.5}, "max_tokens must be a whole number from 1 to 32768."),
        (GPT_41, {"max_tokens": True}, "max_tokens must be a whole number from 1 to 32768."),
        (GPT_41, {"max_tokens": math.inf}, "max_tokens must be a whole number from 1 to 32768."),
        (GPT_41, {"n": 2}, "n must be 1."),
        (GPT_41, {"stop": [1]}, STOP_ERROR),
        (GPT_41, {"stop": {}}, STOP_ERROR),
        (GPT_41, {"stop": [""]}, STOP_ERROR),
        (GPT_41, {"stop": ["a", "b", "c", "d", "e"]}, STOP_ERROR),
        (GPT_41, {"user": "x" * 65}, "user must be a string, at most 64 characters."),
        (GPT_41, {"reasoning_effort": "low"}, EFFORT_ERROR),
        (GPT_5, {"temperature": 0.5}, "temperature must be 1."),
        (GPT_5, {"stop": ["a"]}, NO_STOP_ERROR),
        (GPT_41, {"user": 7}, "user must be a string, at most 64 characters."),
        (GPT_41, {"response_format": "json"}, "response_format must be an object."),
        (GPT_41, {"logit_bias": {"1": math.nan}}, "logit_bias must be an object."),
        (GPT_41, {"logit_bias": {"1": 101}}, BIAS_ERROR),
        (GPT_41, {"logit_bias": {"1": True}}, BIAS_ERROR),
        (GPT_41, {"logit_bias": {"word": 1}}, BIAS_ERROR),
        (GPT_41, {"logit_bias": {str(token): 1 for token in range(301)}}, "logit_bias must have at most 300 tokens."),
        (GPT_5, {"reasoning_effort": "none"}, "reasoning_effort must be one of minimal, low, medium, high."),
        (GPT_5, {"reasoning_effort": {"effort": "low"}}, "reasoning_effort must be one of minimal, low, medium, high."),
        (CLAUDE, {"temperature": 1.5}, "temperature must be a number from 0 to 1."),
        (SONAR, {"max_tokens": 0}, "max_tokens must be a whole number from 1 to 128000."),
        (CATALOG.route("ollama", "gemma2"), {"max_tokens": 0}, "max_tokens must be a whole number, at least 1."),
        (SONAR, {"temperature": 2}, "temperature must be a number from 0 to 1.99."),
        (
            GPT_41,
            {"max_tokens": 5, "max_completion_tokens": 5},
            "max_tokens and max_completion_tokens have the same meaning: set only one of them.",
        ),
        (GPT_41, {"temprature": 1}, "openai/gpt-4.1 has no parameter 'temprature'. Did you mean temperature?"),
    ],
)  # fmt: skip
def test_invalid_parameters_are_refused(route: ModelRoute, parameters: dict[str, Any], message: str):
    """The error message names the parameter and the allowed values but does not repeat the value."""
    with pytest.raises(InvalidParameters) as error:
        check_parameters(route, parameters)
    assert error.value.message == message


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
names = st.sampled_from(
    [*FORBIDDEN, *{name for route in ROUTES for name in (*route.info.parameters, *route.unlisted_parameters)}]
) | st.text(max_size=12)


@given(st.sampled_from(ROUTES), st.dictionaries(names, json_values, max_size=4))
def test_only_allowed_parameters_pass(route: ModelRoute, parameters: dict[str, Any]):
    """Any JSON is refused or reduced to allowed names with valid values. A second check changes nothing."""
    allowed = {*route.info.parameters, *route.unlisted_parameters}
    try:
        checked = check_parameters(route, parameters)
    except InvalidParameters:
        return
    assert checked.keys() == {name for name, value in parameters.items() if value is not None and value != []}
    assert checked.keys() <= allowed
    assert not checked.keys() & {*FORBIDDEN}
    assert check_parameters(route, checked) == checked
    for name, value in checked.items():
        assert not (isinstance(value, float) and not math.isfinite(value)), name
        spec = route.info.parameters.get(name)
        if spec is not None and spec.choices:
            assert value in spec.choices
        if spec is not None and spec.max is not None:
            assert (len(value) if isinstance(value, list | str) else value) <= spec.max


@given(st.sampled_from(ROUTES), st.data())
def test_every_value_that_the_catalog_offers_is_accepted(route: ModelRoute, data: st.DataObject):
    """A value that matches the catalog's description of a parameter is never refused."""
    name = data.draw(st.sampled_from([*route.info.parameters]))
    spec = route.info.parameters[name]
    low = int(spec.min) if spec.min is not None else None
    high = int(spec.max) if spec.max is not None else None
    value = data.draw(
        {
            "choice": st.sampled_from(spec.choices or [""]),
            "integer": st.integers(low, high),
            "float": st.floats(spec.min, spec.max, allow_nan=False, allow_infinity=False),
            "array": st.lists(st.text(min_size=1, max_size=5), min_size=1, max_size=4),
        }[spec.type]
    )
    assert check_parameters(route, {name: value}) == {name: value}

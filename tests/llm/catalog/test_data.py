"""The catalog's files are complete, consistent, and read without litellm."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import ValidationError

from shared.llm.catalog.data import (
    CURATED,
    GENERATED,
    CuratedProvider,
    list_provider_slugs,
    load_curated,
    load_generated,
    load_generic_parameters,
)
from shared.llm.catalog.provider_info import describe_provider, list_unlisted_parameters
from shared.models.catalog import ParameterSpec, Prices

MODELS = [(provider, model) for provider in list_provider_slugs() for model in load_curated(provider).models]
EVERY_MODEL = pytest.mark.parametrize(("provider", "model"), MODELS, ids=["/".join(pair) for pair in MODELS])


def test_the_eight_providers_have_a_file_in_both_folders():
    """Each provider has a curated and a generated file of the same name, and there are no other files."""
    expected = {"openai", "anthropic", "gemini", "bedrock", "openrouter", "perplexity", "ollama", "local"}
    assert {*list_provider_slugs()} == expected
    assert {file.name for file in CURATED.iterdir()} == {f"{slug}.json" for slug in expected}
    assert {file.name for file in GENERATED.iterdir()} == {f"{slug}.json" for slug in expected}


@pytest.mark.parametrize("slug", ["openai", "anthropic", "gemini"])
def test_the_main_providers_have_at_least_five_models(slug: str):
    """A user with a single key can choose between at least five models."""
    assert len(describe_provider(slug).models) >= 5


def test_the_local_provider_has_one_small_model():
    """The local model is free, and its context window is small enough to matter."""
    local = describe_provider("local").models
    assert [*local] == ["smollm2-135m-instruct"]
    assert local["smollm2-135m-instruct"].context_window == 2048


@pytest.mark.parametrize("slug", list_provider_slugs())
def test_a_provider_has_a_name_and_a_description(slug: str):
    """The name and the description are not empty, because they are shown to users."""
    info = describe_provider(slug)
    assert info.name
    assert info.description.endswith((".", "1"))


@EVERY_MODEL
def test_a_model_is_complete(provider: str, model: str):
    """Every model has a description, a context window, parameters and, if litellm knows it, prices."""
    info = describe_provider(provider).models[model]
    assert info.description.endswith(".")
    assert info.context_window
    assert info.context_window > 1000
    assert info.parameters
    if not load_curated(provider).charged:
        assert info.prices is not None
        assert (info.prices.input, info.prices.output) == (0, 0)
    elif load_curated(provider).models[model].known:
        assert info.prices is not None
        assert info.prices.input > 0
        assert info.prices.output > 0
        assert info.prices.cached_input is None or 0 < info.prices.cached_input < info.prices.input


@EVERY_MODEL
def test_a_parameter_is_consistent(provider: str, model: str):
    """Only numbers have bounds, only choice parameters have choices, and defaults are valid values."""
    info = describe_provider(provider).models[model]
    unlisted = list_unlisted_parameters(load_curated(provider), load_curated(provider).models[model], info)
    for name, spec in [*info.parameters.items(), *unlisted.items()]:
        assert_consistent(name, spec)


@EVERY_MODEL
def test_rules_refer_to_existing_parameters(provider: str, model: str):
    """All names in a rule exist, because a rule with a misspelled name would never apply."""
    source, info = load_curated(provider), describe_provider(provider).models[model]
    accepted = {*info.parameters, *list_unlisted_parameters(source, source.models[model], info)}
    for rule in [rule for name in source.models[model].parameter_sets for rule in source.rules.get(name, [])]:
        assert {rule.when, *rule.holds, *rule.excludes} <= accepted
        choices = (info.parameters.get(rule.when) or load_generic_parameters()[rule.when]).choices
        assert choices is None or {*(rule.values or []), *rule.unless, *rule.more_tokens_than} <= {*choices}


@pytest.mark.parametrize("slug", list_provider_slugs())
def test_a_provider_has_defaults(slug: str):
    """Each provider has parameters with defaults, because frontends hide parameters without one."""
    models = describe_provider(slug).models.values()
    assert any(spec.default is not None for info in models for spec in info.parameters.values())


@EVERY_MODEL
def test_the_answer_limit_matches_the_model(provider: str, model: str):
    """The maximum of an answer limit is the number of tokens that the model can write."""
    info = describe_provider(provider).models[model]
    for name in ("max_tokens", "max_completion_tokens"):
        if name in info.parameters:
            assert info.parameters[name].max == info.max_output_tokens


def test_the_generic_parameters_are_consistent_and_harmless():
    """No generic parameter can change the address, the key or the reported cost of a request."""
    for name, spec in load_generic_parameters().items():
        assert_consistent(name, spec)
        assert not any(part in name for part in ("api", "key", "url", "base", "header", "provider", "callback", "aws"))
    sets = [names for slug in list_provider_slugs() for names in load_curated(slug).unlisted_parameters.values()]
    used = {name for names in sets for name, spec in names.items() if spec is None}
    assert used <= load_generic_parameters().keys()


def assert_consistent(name: str, spec: ParameterSpec) -> None:
    assert spec.description.endswith("."), name
    numeric = spec.type in ("integer", "float")
    assert numeric == (spec.min is not None), name
    assert numeric or spec.max is None or spec.type in ("array", "string"), name
    assert spec.min is None or spec.max is None or spec.min <= spec.max, name
    assert (spec.type == "choice" or name == "response_format") == bool(spec.choices), name
    assert spec.choices is None or len(spec.choices) == len({*spec.choices}), name
    if spec.default is not None:
        assert spec.choices is None or spec.default in spec.choices, name
        assert not numeric or (spec.min is not None and spec.min <= spec.default), name
        assert not numeric or spec.max is None or spec.default <= spec.max, name


@pytest.mark.parametrize("slug", list_provider_slugs())
def test_every_definition_in_a_file_is_used(slug: str):
    """Some model uses each parameter set and each tool of a file."""
    source = load_curated(slug)
    sets = source.parameter_sets.keys() | source.unlisted_parameters.keys() | source.rules.keys()
    assert {name for model in source.models.values() for name in model.parameter_sets} == sets
    assert {name for model in source.models.values() for name in model.built_in_tools} == source.built_in_tools.keys()


@pytest.mark.parametrize("slug", list_provider_slugs())
def test_generated_files_contain_only_curated_models(slug: str):
    """A model that is removed from `curated/` is also removed from `generated/`."""
    assert load_generated(slug).keys() <= load_curated(slug).models.keys()


def test_a_misspelled_field_is_an_error():
    """A misspelled field in a file is not ignored."""
    content = json.loads((CURATED / "local.json").read_text())
    content["api_keys_env"] = []
    with pytest.raises(ValidationError, match="api_keys_env"):
        CuratedProvider.model_validate(content)


@pytest.mark.parametrize("field", ["parameter_sets", "built_in_tools"])
def test_a_model_cannot_use_undefined_names(field: str):
    """A model may use only parameter sets and tools that its provider defines."""
    content = json.loads((CURATED / "local.json").read_text())
    content["models"]["smollm2-135m-instruct"][field] = ["unknown"]
    with pytest.raises(ValidationError, match="unknown"):
        CuratedProvider.model_validate(content)


def test_a_tool_must_add_something_to_the_request():
    """A tool that adds nothing to the request is refused, because it would have no effect."""
    content = json.loads((CURATED / "local.json").read_text())
    content["built_in_tools"] = {"search": {"description": "Searches."}}
    with pytest.raises(ValidationError, match="a `tool`, a `parameter` or both"):
        CuratedProvider.model_validate(content)


@EVERY_MODEL
def test_the_cost_of_a_charged_model_is_known(provider: str, model: str):
    """The cost is known in advance from prices and the answer limit, or the provider reports it with the answer."""
    source = load_curated(provider)
    if not source.charged:
        return
    info = describe_provider(provider).models[model]
    reports_cost = source.models[model].reports_cost
    if info.prices is None or info.max_output_tokens is None:
        assert source.reports_cost if reports_cost is None else reports_cost
    if info.prices is not None:
        assert info.max_output_tokens


@EVERY_MODEL
def test_every_tool_of_a_charged_model_has_a_fee(provider: str, model: str):
    """Each tool has a price or tokens per use and a maximum number of uses, from which a hold can be calculated."""
    source = load_curated(provider)
    entry = source.models[model]
    for tool in entry.built_in_tools:
        fee = entry.tool_fees.get(tool) or source.built_in_tools[tool].fee
        assert fee is not None, tool
        assert fee.most_uses, tool
        assert fee.per_use or fee.tokens_per_use, tool


@pytest.mark.parametrize(
    ("provider", "tool", "limit"),
    [
        ("anthropic", "web_search", ("tool", "max_uses")),
        ("openai", "web_search", ("parameter", "max_tool_calls")),
        ("openai", "code_interpreter", ("parameter", "max_tool_calls")),
    ],
)
def test_a_limit_on_tool_uses_is_sent(provider: str, tool: str, limit: tuple[str, str]):
    """The request limits the uses of a tool, so the number of uses in its fee is an enforced limit."""
    curated_tool = load_curated(provider).built_in_tools[tool]
    where, name = limit
    assert curated_tool.fee is not None
    assert curated_tool.fee.limited
    sent = curated_tool.model_dump()[where][name]
    assert sent >= (curated_tool.fee.most_uses or 0)
    if tool == "web_search":
        assert sent == curated_tool.fee.most_uses


def test_a_fee_must_belong_to_a_tool_of_the_model():
    """A fee for an unknown tool is refused: with a misspelled name, the provider's fee would still apply."""
    content = json.loads((CURATED / "local.json").read_text())
    fee = {"per_use": 1, "source": "https://example.com"}
    content["models"]["smollm2-135m-instruct"]["tool_fees"] = {"unknown": fee}
    with pytest.raises(ValidationError, match="unknown"):
        CuratedProvider.model_validate(content)


@EVERY_MODEL
def test_prices_of_long_prompts_are_complete(provider: str, model: str):
    """A model with a threshold has both prices for long prompts, and they are higher than the usual prices."""
    prices = describe_provider(provider).models[model].prices
    if prices is None or prices.above_tokens is None:
        return
    assert prices.input_above is not None
    assert prices.output_above is not None
    assert prices.input_above > prices.input
    assert prices.output_above > prices.output


def test_the_highest_price_includes_caching_and_long_prompts():
    """The highest price covers writes to the provider's cache and long prompts, which may cost more."""
    prices = Prices(
        input=2, output=10, cache_write=2.5, above_tokens=1000, input_above=4, output_above=15, cache_write_above=5
    )
    assert (prices.highest_input(1000), prices.highest_output(1000)) == (2.5, 10)
    assert (prices.highest_input(1001), prices.highest_output(1001)) == (5, 15)
    assert Prices(input=1, output=2, reasoning=3).highest_output(0) == 3
    assert Prices(input=0, output=0).highest_input(10**9) == 0


@pytest.mark.parametrize("name", ["../generic_parameters", "", "/etc/passwd", "openai.json"])
def test_names_cannot_refer_to_other_folders(name: str):
    """A provider's name that is not known raises `KeyError` and never becomes a path."""
    with pytest.raises(KeyError):
        load_curated(name)
    with pytest.raises(KeyError):
        load_generated(name)


def test_reading_the_catalog_never_imports_litellm():
    """litellm takes seconds and much memory to load, so functions that only read the catalog do not import it."""
    script = (
        "import os, sys\n"
        "from shared.llm.catalog import Catalog, check_built_in_tools, check_parameters\n"
        "catalog = Catalog.load({'OPENAI_API_KEY': 'x', 'OLLAMA_API_BASE': 'http://127.0.0.1:9'})\n"
        "catalog.list_providers()\n"
        "route = catalog.route('openai', 'gpt-4.1')\n"
        "check_parameters(route, {'temperature': 1}); check_built_in_tools(route, ['web_search'])\n"
        "heavy = {'litellm', 'openai', 'httpx', 'aiohttp'} & {name.split('.')[0] for name in sys.modules}\n"
        "sys.exit(f'imported {heavy}' if heavy else 0)\n"
    )
    root = Path(__file__).parents[3]
    done = subprocess.run([sys.executable, "-c", script], cwd=root, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr

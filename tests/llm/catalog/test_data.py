"""The catalog's files: complete, consistent, and read without litellm."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import ValidationError

from shared.llm.catalog.data import (
    CURATED,
    KNOWN,
    CuratedProvider,
    curated,
    generic_parameters,
    known,
    provider_slugs,
)
from shared.llm.catalog.info import provider_info
from shared.models.catalog import ParameterSpec

MODELS = [(provider, model) for provider in provider_slugs() for model in curated(provider).models]
EVERY_MODEL = pytest.mark.parametrize(("provider", "model"), MODELS, ids=["/".join(pair) for pair in MODELS])


def test_the_eight_providers_have_a_file_in_both_folders():
    """Each provider is one curated file and one known file of the same name, and nothing else lies there."""
    expected = {"openai", "anthropic", "gemini", "bedrock", "openrouter", "perplexity", "ollama", "local"}
    assert {*provider_slugs()} == expected
    assert {file.name for file in CURATED.iterdir()} == {f"{slug}.json" for slug in expected}
    assert {file.name for file in KNOWN.iterdir()} == {f"{slug}.json" for slug in expected}


@pytest.mark.parametrize("slug", ["openai", "anthropic", "gemini"])
def test_the_main_providers_have_at_least_five_models(slug: str):
    """Someone with one key has a choice."""
    assert len(provider_info(slug).models) >= 5


def test_the_local_provider_has_the_one_small_model():
    """It is free, and its context window is small enough to matter."""
    local = provider_info("local").models
    assert [*local] == ["smollm2-135m-instruct"]
    assert local["smollm2-135m-instruct"].context_window == 2048


@pytest.mark.parametrize("slug", provider_slugs())
def test_a_provider_describes_itself(slug: str):
    """Name and description are for people, so they are not empty."""
    info = provider_info(slug)
    assert info.name
    assert info.description.endswith((".", "1"))


@EVERY_MODEL
def test_a_model_is_complete(provider: str, model: str):
    """Every model says what it is, how much it reads, what it takes and, where litellm knows it, what it costs."""
    info = provider_info(provider).models[model]
    assert info.description.endswith(".")
    assert info.context_window
    assert info.context_window > 1000
    assert info.parameters
    if not curated(provider).charged:
        assert info.prices is not None
        assert (info.prices.input, info.prices.output) == (0, 0)
    elif curated(provider).models[model].known:
        assert info.prices is not None
        assert info.prices.input > 0
        assert info.prices.output > 0
        assert info.prices.cached_input is None or 0 < info.prices.cached_input < info.prices.input


@EVERY_MODEL
def test_a_parameter_is_consistent(provider: str, model: str):
    """Bounds are for numbers, choices for choices; no default is sent unless it is allowed."""
    for name, spec in provider_info(provider).models[model].parameters.items():
        consistent(name, spec)


@EVERY_MODEL
def test_the_longest_answer_is_the_models_own(provider: str, model: str):
    """A frontend can offer exactly as many tokens as the model can write."""
    info = provider_info(provider).models[model]
    for name in ("max_tokens", "max_completion_tokens"):
        if name in info.parameters:
            assert info.parameters[name].max == info.max_output_tokens


def test_the_generic_parameters_are_consistent_and_harmless():
    """None of them can change where a request goes, with whose key, or what is reported of it."""
    for name, spec in generic_parameters().items():
        consistent(name, spec)
        assert not any(part in name for part in ("api", "key", "url", "base", "header", "provider", "callback", "aws"))
    used = {name for slug in provider_slugs() for name in curated(slug).generic_parameters}
    assert used <= generic_parameters().keys()


def consistent(name: str, spec: ParameterSpec) -> None:
    assert spec.description.endswith("."), name
    assert spec.default is None, name
    numeric = spec.type in ("integer", "float")
    assert numeric == (spec.min is not None), name
    assert numeric or spec.max is None, name
    assert spec.min is None or spec.max is None or spec.min <= spec.max, name
    assert (spec.type == "choice") == bool(spec.choices), name
    assert spec.choices is None or len(spec.choices) == len({*spec.choices}), name


@pytest.mark.parametrize("slug", provider_slugs())
def test_every_definition_in_a_file_is_used(slug: str):
    """Parameter sets and tools that no model names are leftovers."""
    source = curated(slug)
    assert {name for model in source.models.values() for name in model.parameter_sets} == source.parameter_sets.keys()
    assert {name for model in source.models.values() for name in model.built_in_tools} == source.built_in_tools.keys()


@pytest.mark.parametrize("slug", provider_slugs())
def test_known_files_speak_of_curated_models_only(slug: str):
    """What was taken out of `curated/` leaves `known/` too."""
    assert known(slug).keys() <= curated(slug).models.keys()


def test_a_misspelt_field_is_an_error():
    """A typing mistake in a file must not be ignored quietly."""
    content = json.loads((CURATED / "local.json").read_text())
    content["api_keys_env"] = []
    with pytest.raises(ValidationError, match="api_keys_env"):
        CuratedProvider.model_validate(content)


@pytest.mark.parametrize("field", ["parameter_sets", "built_in_tools"])
def test_a_model_cannot_name_what_is_not_defined(field: str):
    """A model's parameter sets and tools are the provider's."""
    content = json.loads((CURATED / "local.json").read_text())
    content["models"]["smollm2-135m-instruct"][field] = ["unheard-of"]
    with pytest.raises(ValidationError, match="unheard-of"):
        CuratedProvider.model_validate(content)


@pytest.mark.parametrize("form", [{}, {"tool": {}, "parameter": {}}])
def test_a_tool_has_one_form(form: dict[str, object]):
    """Both forms at once, or neither, would be ambiguous."""
    content = json.loads((CURATED / "local.json").read_text())
    content["built_in_tools"] = {"search": {"description": "Searches.", **form}}
    with pytest.raises(ValidationError, match="either"):
        CuratedProvider.model_validate(content)


@pytest.mark.parametrize("name", ["../generic_parameters", "", "/etc/passwd", "openai.json"])
def test_no_name_reaches_outside_the_folder(name: str):
    """A caller's text never becomes a path."""
    with pytest.raises(KeyError):
        curated(name)
    with pytest.raises(KeyError):
        known(name)


def test_reading_the_catalog_never_imports_litellm():
    """litellm takes seconds and much memory: functions that only read the catalog go without it."""
    script = (
        "import os, sys\n"
        "from shared.llm.catalog import Catalog, check_built_in_tools, check_parameters\n"
        "catalog = Catalog.load({'OPENAI_API_KEY': 'x', 'OLLAMA_API_BASE': 'http://127.0.0.1:9'})\n"
        "catalog.providers()\n"
        "route = catalog.route('openai', 'gpt-4.1')\n"
        "check_parameters(route, {'temperature': 1}); check_built_in_tools(route, ['web_search'])\n"
        "heavy = {'litellm', 'openai', 'httpx', 'aiohttp'} & {name.split('.')[0] for name in sys.modules}\n"
        "sys.exit(f'imported {heavy}' if heavy else 0)\n"
    )
    root = Path(__file__).parents[3]
    done = subprocess.run([sys.executable, "-c", script], cwd=root, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr

"""The providers and models in an environment, their routes, and the secrecy of keys."""

from collections.abc import Callable, Mapping
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.llm.catalog import (
    Catalog,
    CatalogError,
    ProviderNotConfigured,
    UnknownModel,
    UnknownProvider,
    check_built_in_tools,
    check_parameters,
)
from shared.llm.catalog.data import list_provider_slugs, load_curated
from tests.llm.catalog.environs import ADDRESSES, CLOUD, EMULATOR, EVERYTHING, KEYS, REGIONS, SECRET

environs = st.dictionaries(
    st.sampled_from([*KEYS, *ADDRESSES, *REGIONS]), st.sampled_from(["", "  ", f"http://{SECRET}"])
)
places = st.sampled_from([{}, CLOUD, EMULATOR])


def callable_providers(environ: Mapping[str, str]) -> set[str]:
    """Implements the rule independently: a provider needs a complete set of keys, and a free one needs an address."""

    def has(*names: str) -> bool:
        return all(environ.get(name, "").strip() for name in names)

    cloud = has("K_SERVICE") and not has("FUNCTIONS_EMULATOR")
    rules = {
        "openai": has("OPENAI_API_KEY"),
        "anthropic": has("ANTHROPIC_API_KEY"),
        "gemini": has("GEMINI_API_KEY") or has("GOOGLE_API_KEY"),
        "bedrock": has("AWS_BEARER_TOKEN_BEDROCK") or has("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"),
        "openrouter": has("OPENROUTER_API_KEY") or has("OR_API_KEY"),
        "perplexity": has("PERPLEXITYAI_API_KEY") or has("PERPLEXITY_API_KEY"),
        "ollama": has("OLLAMA_API_BASE") or not cloud,
        "local": has("LOCAL_MODEL_BASE_URL"),
    }
    return {slug for slug, met in rules.items() if met}


@given(environs, places)
def test_only_callable_providers_are_listed(variables: dict[str, str], place: dict[str, str]):
    """Exactly the callable providers are listed in a stable order, found and routed. The others are not set up."""
    environ = variables | place
    catalog = Catalog.load(environ)
    expected = callable_providers(environ)
    assert [*catalog.list_providers()] == sorted(expected)
    for slug in list_provider_slugs():
        model = next(iter(load_curated(slug).models))
        if slug in expected:
            assert catalog.get_provider(slug) == catalog.list_providers()[slug]
            assert catalog.route(slug, model).info == catalog.get_model(slug, model)
        else:
            with pytest.raises(ProviderNotConfigured):
                catalog.get_provider(slug)
            with pytest.raises(ProviderNotConfigured):
                catalog.get_model(slug, model)
            with pytest.raises(ProviderNotConfigured):
                catalog.route(slug, model)


@pytest.mark.parametrize(
    ("names", "providers"),
    [
        ("OPENAI_API_KEY", {"openai"}),
        (" OPENAI_API_KEY , GEMINI_API_KEY,\n", {"openai", "gemini"}),
        ("AWS_ACCESS_KEY_ID", set[str]()),
        ("AWS_ACCESS_KEY_ID,AWS_SECRET_ACCESS_KEY", {"bedrock"}),
        ("AWS_BEARER_TOKEN_BEDROCK", {"bedrock"}),
        ("OPENAI", set[str]()),
        ("\n", set[str]()),
    ],
)
def test_key_names_are_sufficient_to_list_providers(names: str, providers: set[str]):
    """Functions that list providers but do not call models need only the names of the keys."""
    catalog = Catalog.load({**CLOUD, "PROVIDER_KEYS": names})
    assert catalog.list_providers().keys() == providers
    for provider in providers:
        model = next(iter(catalog.get_provider(provider).models))
        assert catalog.route(provider, model).api_key is None


def test_key_names_do_not_hide_keys():
    """A key in the environment is used even if PROVIDER_KEYS does not contain its name."""
    catalog = Catalog.load(
        {**CLOUD, "PROVIDER_KEYS": "GEMINI_API_KEY,OPENAI_API_KEY", "OPENAI_API_KEY": "sk", "OR_API_KEY": "or"}
    )
    assert catalog.list_providers().keys() == {"gemini", "openai", "openrouter"}
    openai = next(iter(catalog.get_provider("openai").models))
    assert catalog.route("openai", openai).api_key == "sk"


def test_the_environment_is_read_once():
    """Later changes of the environment have no effect, because a process has one catalog."""
    environ = {"OPENAI_API_KEY": "first"}
    catalog = Catalog.load(environ)
    environ["OPENAI_API_KEY"] = "second"
    assert catalog.route("openai", "gpt-4.1").api_key == "first"


@pytest.mark.parametrize("emulator", ["", "false", "0"])
def test_in_the_cloud_ollama_needs_an_address(emulator: str):
    """In the cloud, Ollama is not set up without an address, because no server listens on the local one."""
    catalog = Catalog.load({**CLOUD, "FUNCTIONS_EMULATOR": emulator})
    with pytest.raises(ProviderNotConfigured, match="OLLAMA_API_BASE"):
        catalog.get_provider("ollama")


@pytest.mark.parametrize("place", [{}, EMULATOR, {"APP_ENV": "local"}])
def test_outside_of_the_cloud_ollama_is_on_this_machine(place: dict[str, str]):
    """Ollama needs no settings outside of the cloud, and it is free."""
    route = Catalog.load(place).route("ollama", "llama3.1")
    assert (route.base_url, route.api_key, route.charged) == ("http://127.0.0.1:11434", None, False)
    assert route.call_arguments() == {"model": "ollama_chat/llama3.1", "api_base": "http://127.0.0.1:11434"}


def test_the_local_model_does_not_get_openais_key():
    """The local model uses OpenAI's protocol, so it gets a key, but never the real one."""
    route = Catalog.load(EVERYTHING).route("local", "smollm2-135m-instruct")
    assert route.call_arguments() == {
        "model": "openai/smollm2-135m-instruct",
        "api_key": "local",
        "api_base": EVERYTHING["LOCAL_MODEL_BASE_URL"],
    }


@pytest.mark.parametrize(
    ("provider", "model", "name"),
    [
        ("openai", "gpt-4.1", "openai/gpt-4.1"),
        ("anthropic", "claude-sonnet-5-5", "anthropic/claude-sonnet-5-5"),
        ("gemini", "gemini-2.5-pro", "gemini/gemini-2.5-pro"),
        ("bedrock", "amazon.nova-micro-v1:0", "bedrock/amazon.nova-micro-v1:0"),
        ("openrouter", "openrouter/auto", "openrouter/openrouter/auto"),
        ("perplexity", "sonar", "perplexity/sonar"),
    ],
)
def test_a_route_names_the_model_as_litellm_does(provider: str, model: str, name: str):
    """litellm's name consists of the provider's prefix and the unchanged slug. These providers charge."""
    route = Catalog.load(EVERYTHING).route(provider, model)
    assert route.litellm_model == name
    assert route.call_arguments()["model"] == name
    assert route.name == f"{provider}/{model}"
    assert route.charged


def test_the_first_key_and_address_that_have_a_value_are_used():
    """Alternative variables are tried in the order of the file, and empty ones are skipped."""
    catalog = Catalog.load(
        {"GEMINI_API_KEY": " ", "GOOGLE_API_KEY": "google", "OPENAI_API_KEY": "a", "OPENAI_API_BASE": "http://b"}
    )
    assert catalog.route("gemini", "gemini-2.5-pro").api_key == "google"
    assert catalog.route("openai", "gpt-4.1").base_url == "http://b"


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({"AWS_BEARER_TOKEN_BEDROCK": "t", "AWS_REGION": "r"}, {"api_key": "t", "aws_region_name": "r"}),
        (
            {"AWS_ACCESS_KEY_ID": "i", "AWS_SECRET_ACCESS_KEY": "s"},
            {"aws_access_key_id": "i", "aws_secret_access_key": "s"},
        ),
        (
            {"AWS_ACCESS_KEY_ID": "i", "AWS_SECRET_ACCESS_KEY": "s", "AWS_SESSION_TOKEN": "t", "AWS_REGION_NAME": "n"},
            {
                "aws_access_key_id": "i",
                "aws_secret_access_key": "s",
                "aws_session_token": "t",
                "aws_region_name": "n",
            },
        ),
    ],
)
def test_bedrock_accepts_a_token_or_a_pair_of_keys(environ: dict[str, str], expected: dict[str, str]):
    """The region is passed on if it is set, and a session token is passed on with its keys."""
    route = Catalog.load(environ).route("bedrock", "amazon.nova-micro-v1:0")
    assert route.call_arguments() == {"model": "bedrock/amazon.nova-micro-v1:0", **expected}


def test_the_responses_api_is_selected_in_the_models_name():
    """The Responses API is used if the model or a tool needs it."""
    catalog = Catalog.load({"OPENAI_API_KEY": "x"})
    assert catalog.route("openai", "gpt-5.5-pro").call_arguments()["model"] == "openai/responses/gpt-5.5-pro"
    route = catalog.route("openai", "gpt-5")
    assert route.call_arguments()["model"] == "openai/gpt-5"
    assert route.call_arguments("responses")["model"] == "openai/responses/gpt-5"


def test_a_route_has_the_fees_in_addition_to_tokens():
    """The fee for a tool is the model's, or otherwise the provider's. There may also be a fee per request."""
    catalog = Catalog.load(EVERYTHING)
    openai = catalog.route("openai", "gpt-5")
    assert openai.tool_fees["web_search"].per_use == 0.01
    assert openai.tool_fees["code_interpreter"].per_use == 0.03
    assert (openai.request_fee, openai.reports_cost) == (None, False)
    assert catalog.route("gemini", "gemini-3.8-flash").tool_fees["google_search"].per_use == 0.014
    per_answer = catalog.route("gemini", "gemini-2.5-flash").tool_fees["google_search"]
    assert (per_answer.per_use, per_answer.most_uses) == (0.035, 1)
    sonar = catalog.route("perplexity", "sonar")
    assert sonar.request_fee is not None
    assert sonar.request_fee.per_use + sonar.tool_fees["wide_web_search"].per_use == pytest.approx(0.012)
    auto = catalog.route("openrouter", "openrouter/auto")
    assert (auto.reports_cost, auto.info.prices) == (True, None)


def test_changes_to_a_route_do_not_affect_the_catalog():
    """The caller may change the tools of a route without affecting the next one."""
    catalog = Catalog.load({"OPENAI_API_KEY": "x"})
    catalog.route("openai", "gpt-5").tools["code_interpreter"]["container"]["type"] = "changed"
    assert catalog.route("openai", "gpt-5").tools["code_interpreter"]["container"] == {"type": "auto"}


def test_an_unknown_provider_differs_from_one_without_a_key():
    """`GET /providers` lists neither provider, but the error for the one without a key names the key to set."""
    catalog = Catalog.load({"OPENAI_API_KEY": "x"})
    with pytest.raises(UnknownProvider, match=r"no provider 'opnai'\. Did you mean openai\?") as unknown:
        catalog.get_provider("opnai")
    assert not isinstance(unknown.value, ProviderNotConfigured)
    with pytest.raises(UnknownProvider, match=r"Anthropic is not set up here\. Set ANTHROPIC_API_KEY to use it\."):
        catalog.route("anthropic", "claude-sonnet-5-5")


@pytest.mark.parametrize(
    ("slug", "environ", "message"),
    [
        (
            "OpenAI",
            {},
            "There is no provider 'OpenAI'. Did you mean openai? OpenAI is not set up here. "
            "Set OPENAI_API_KEY to use it.",
        ),
        ("OpenAI", {"OPENAI_API_KEY": "x"}, "There is no provider 'OpenAI'. Did you mean openai?"),
        (" Ollama ", {}, "There is no provider ' Ollama '. Did you mean ollama?"),
        (
            "antropic",
            {"OPENAI_API_KEY": "x"},
            "There is no provider 'antropic'. Did you mean anthropic? Anthropic is not set up here. "
            "Set ANTHROPIC_API_KEY to use it.",
        ),
        ("Gofannon", {}, "There is no provider 'Gofannon'. Did you mean gofannon?"),
        ("zzz", {}, "There is no provider 'zzz'. Available: ollama."),
        ("zzz", {"OPENAI_API_KEY": "x"}, "There is no provider 'zzz'. Available: ollama, openai."),
    ],
)
def test_the_error_for_an_unknown_provider_suggests_alternatives(slug: str, environ: dict[str, str], message: str):
    """If the error suggests a provider without a key, it also names the variable to set."""
    with pytest.raises(UnknownProvider) as unknown:
        Catalog.load(environ).get_provider(slug)
    assert unknown.value.message == message


@pytest.mark.parametrize("model", ["gpt-41", "", "x" * 10_000, "../openai", "gpt-4.1\n"])
def test_the_error_for_an_unknown_model_is_one_short_line(model: str):
    """For any requested name, the error message is readable and lists models."""
    with pytest.raises(UnknownModel, match="OpenAI has no model") as error:
        Catalog.load({"OPENAI_API_KEY": "x"}).get_model("openai", model)
    assert "\n" not in error.value.message
    assert len(error.value.message) < 500
    assert "gpt-4.1" in error.value.message


def test_keys_and_addresses_are_never_shown():
    """Representations of the catalog and its routes, JSON and error messages never show a key or an address."""
    catalog = Catalog.load(EVERYTHING)
    texts = [repr(catalog), str(catalog)]
    for slug, provider in catalog.list_providers().items():
        texts += [repr(provider), provider.model_dump_json()]
        for model in provider.models:
            route = catalog.route(slug, model)
            texts += [repr(route), str(route), repr(replace(route)), f"{route}", route.name]
            failing: list[Callable[[], object]] = [
                lambda slug=slug: catalog.get_model(slug, "none"),
                lambda route=route: check_parameters(route, {"api_key": "x"}),
                lambda route=route: check_parameters(route, {"temperature": "x"}),
                lambda route=route: check_built_in_tools(route, ["none"]),
            ]
            for call in failing:
                with pytest.raises(CatalogError) as error:
                    call()
                texts += [str(error.value), repr(error.value), error.value.message]
    assert len(texts) > 100
    assert not [text for text in texts if SECRET in text]


def test_the_wire_contains_no_details_of_calls():
    """The JSON for clients contains no names of variables, no tools' JSON, and no names from litellm."""
    for provider in Catalog.load(EVERYTHING).list_providers().values():
        text = provider.model_dump_json()
        assert not [name for name in (*KEYS, *ADDRESSES, "litellm", "api_key", "web_search_20250305") if name in text]

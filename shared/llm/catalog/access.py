"""Which keys and addresses an environment holds for a provider, and what to set where it holds none."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from shared.llm.catalog.data import CuratedProvider
from shared.settings import in_the_cloud


@dataclass(frozen=True)
class Access:
    """How a provider is reached. Never shown: `repr` leaves all of it out.

    Where keys are only known by name, they are not in it: it then says no more than that the provider can be called.
    """

    api_key: str | None = field(repr=False)
    base_url: str | None = field(repr=False)
    arguments: dict[str, str] = field(repr=False)


PROVIDER_KEYS_VARIABLE = "PROVIDER_KEYS"
"""A variable with the names of keys that are set for those who call models, separated by commas."""


def find_access(provider: CuratedProvider, environ: Mapping[str, str]) -> Access | None:
    """None: the environment lacks a key or an address that the provider needs. Empty counts as not set."""
    key_arguments = _find_key_arguments(provider, environ)
    base_url = _find_first_set(provider.base_url_env, environ)
    if base_url is None and not in_the_cloud(environ):
        base_url = provider.base_url_on_this_machine
    if key_arguments is None or (base_url is None and provider.base_url_required):
        return None
    optional = {name: _find_first_set(variables, environ) for name, variables in provider.optional_env.items()}
    arguments = key_arguments | {name: value for name, value in optional.items() if value is not None}
    api_key = arguments.pop("api_key", provider.placeholder_api_key)
    return Access(api_key=api_key, base_url=base_url, arguments=arguments)


def describe_missing(provider: CuratedProvider) -> str:
    """Names the variables, for a developer: "OPENAI_API_KEY", "A or B and C"."""
    keys = [" and ".join(alternative.values()) for alternative in provider.api_key_env]
    return " or ".join(keys or provider.base_url_env)


def _find_key_arguments(provider: CuratedProvider, environ: Mapping[str, str]) -> dict[str, str] | None:
    if not provider.api_key_env:
        return {}
    named = {name.strip() for name in environ.get(PROVIDER_KEYS_VARIABLE, "").split(",")}
    for alternative in provider.api_key_env:
        arguments = {name: environ.get(variable, "").strip() for name, variable in alternative.items()}
        if all(value or alternative[name] in named for name, value in arguments.items()):
            return {name: value for name, value in arguments.items() if value}
    return None


def _find_first_set(variables: list[str], environ: Mapping[str, str]) -> str | None:
    return next((value for variable in variables if (value := environ.get(variable, "").strip())), None)

"""The keys and addresses of a provider in the environment, and the variables to set if they are missing."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from shared.llm.catalog.data import CuratedProvider
from shared.settings import in_the_cloud


@dataclass(frozen=True)
class Access:
    """The key and address of a provider. They are never shown: `repr` omits all fields.

    Some functions know only the names of the keys. There, `api_key` is None, and an `Access` only shows that the
    provider can be called.
    """

    api_key: str | None = field(repr=False)
    base_url: str | None = field(repr=False)
    arguments: dict[str, str] = field(repr=False)


PROVIDER_KEYS_VARIABLE = "PROVIDER_KEYS"
"""The variable with the comma-separated names of the keys that are set in the functions that call models."""


def find_access(provider: CuratedProvider, environ: Mapping[str, str]) -> Access | None:
    """Returns the provider's access, or None if the environment lacks a required key or address.

    Empty values count as not set.
    """
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
    """Returns the names of the variables for developers, such as "OPENAI_API_KEY" or "A or B and C"."""
    keys = [" and ".join(alternative.values()) for alternative in provider.api_key_env]
    return " or ".join(keys or provider.base_url_env)


def _find_key_arguments(provider: CuratedProvider, environ: Mapping[str, str]) -> dict[str, str] | None:
    if not provider.api_key_env:
        return {}
    key_names = {name.strip() for name in environ.get(PROVIDER_KEYS_VARIABLE, "").split(",")}
    for alternative in provider.api_key_env:
        arguments = {name: environ.get(variable, "").strip() for name, variable in alternative.items()}
        if all(value or alternative[name] in key_names for name, value in arguments.items()):
            return {name: value for name, value in arguments.items() if value}
    return None


def _find_first_set(variables: list[str], environ: Mapping[str, str]) -> str | None:
    return next((value for variable in variables if (value := environ.get(variable, "").strip())), None)

"""The providers and models that can be called in this environment, and how to call them. Nothing is called here."""

from collections.abc import Mapping
from copy import deepcopy

from shared.llm.catalog.access import Access, describe_missing, find_access
from shared.llm.catalog.data import CuratedProvider, list_provider_slugs, load_curated
from shared.llm.catalog.errors import (
    ProviderNotConfigured,
    UnknownModel,
    UnknownProvider,
    alternatives,
    find_similar,
    quote,
)
from shared.llm.catalog.provider_info import describe_provider, list_unlisted_parameters
from shared.llm.catalog.route import ModelRoute
from shared.models.catalog import GOFANNON, ModelInfo, ProviderInfo


class Catalog:
    """The catalog of a process. Files are read when a provider is first used."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = dict(environ)

    @classmethod
    def load(cls, environ: Mapping[str, str]) -> "Catalog":
        """Returns the catalog for a copy of `environ`. Later changes to `environ` have no effect."""
        return cls(environ)

    def list_providers(self) -> dict[str, ProviderInfo]:
        """Returns the providers that can be called here, by slug, in alphabetical order."""
        return {
            slug: describe_provider(slug)
            for slug in list_provider_slugs()
            if find_access(load_curated(slug), self._environ)
        }

    def get_provider(self, slug: str) -> ProviderInfo:
        """Returns a provider.

        Raises `UnknownProvider`, or its subclass `ProviderNotConfigured` without a key or address.
        """
        self._find_access(slug)
        return describe_provider(slug)

    def get_model(self, provider: str, model: str) -> ModelInfo:
        """Returns a model. Raises the errors of `get_provider`, and `UnknownModel`."""
        models = self.get_provider(provider).models
        if model not in models:
            suggestion = alternatives(model, models)
            raise UnknownModel(f"{load_curated(provider).name} has no model {quote(model)} in the catalog.{suggestion}")
        return models[model]

    def route(self, provider: str, model: str) -> ModelRoute:
        """Returns the route to a model. Raises the errors of `get_model`."""
        source, access = self._find_access(provider)
        info = self.get_model(provider, model)
        entry = source.models[model]
        tools = {id_: source.built_in_tools[id_] for id_ in entry.built_in_tools}
        return ModelRoute(
            provider=provider,
            model=model,
            litellm_model=f"{source.litellm_provider}/{model}",
            info=info,
            api=entry.api,
            reasoning_api=source.reasoning_api,
            charged=source.charged,
            reports_cost=source.reports_cost if entry.reports_cost is None else entry.reports_cost,
            request_fee=entry.request_fee,
            api_key=access.api_key,
            base_url=access.base_url,
            arguments=access.arguments,
            tools={id_: deepcopy(tool.tool) for id_, tool in tools.items() if tool.tool is not None},
            parameter_tools={
                id_: deepcopy(tool.parameter) for id_, tool in tools.items() if tool.parameter is not None
            },
            tool_fees={id_: tool.fee for id_, tool in tools.items() if tool.fee is not None} | entry.tool_fees,
            tool_apis={id_: tool.api for id_, tool in tools.items() if tool.api is not None},
            unlisted_parameters=list_unlisted_parameters(source, entry, info),
            rules=tuple(rule for name in entry.parameter_sets for rule in source.rules.get(name, [])),
            companions=deepcopy(source.companions),
            writes_out_references=source.writes_out_references,
            conversation=entry.conversation or source.conversation,
            image=entry.image or source.image,
        )

    def _find_access(self, slug: str) -> tuple[CuratedProvider, Access]:
        if slug not in list_provider_slugs():
            raise UnknownProvider(f"There is no provider {quote(slug)}.{self._suggest_others(slug)}")
        source = load_curated(slug)
        access = find_access(source, self._environ)
        if access is None:
            raise ProviderNotConfigured(_explain_missing_setup(source))
        return source, access

    def _suggest_others(self, slug: str) -> str:
        """Suggests similar providers and the setup that they lack, or all available providers if none is similar."""
        similar = find_similar(slug, [*list_provider_slugs(), GOFANNON])
        if not similar:
            return alternatives(slug, self.list_providers())
        not_set_up = [
            other for other in similar if other != GOFANNON and not find_access(load_curated(other), self._environ)
        ]
        return alternatives(slug, similar) + "".join(
            f" {_explain_missing_setup(load_curated(other))}" for other in not_set_up
        )


def _explain_missing_setup(source: CuratedProvider) -> str:
    return f"{source.name} is not set up here. Set {describe_missing(source)} to use it."

"""Which providers and models there are here, and how one is called. Knows the environment; calls nothing."""

from collections.abc import Mapping
from copy import deepcopy

from shared.llm.catalog.access import Access, access, what_to_set
from shared.llm.catalog.data import CuratedProvider, curated, provider_slugs
from shared.llm.catalog.errors import (
    ProviderNotConfigured,
    UnknownModel,
    UnknownProvider,
    alternatives,
    find_similar,
    quote,
)
from shared.llm.catalog.info import provider_info, unlisted_parameters
from shared.llm.catalog.route import ModelRoute
from shared.models.catalog import GOFANNON, ModelInfo, ProviderInfo


class Catalog:
    """Lives as long as the process. Files are read when a provider is first asked for."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = dict(environ)

    @classmethod
    def load(cls, environ: Mapping[str, str]) -> "Catalog":
        """`environ` is copied: what changes in it afterwards is not seen."""
        return cls(environ)

    def providers(self) -> dict[str, ProviderInfo]:
        """By slug, those that can be called here, in alphabetical order."""
        return {slug: provider_info(slug) for slug in provider_slugs() if access(curated(slug), self._environ)}

    def provider(self, slug: str) -> ProviderInfo:
        """Raises `UnknownProvider`; its subclass `ProviderNotConfigured` where only key or address is missing."""
        self._find_access(slug)
        return provider_info(slug)

    def model(self, provider: str, model: str) -> ModelInfo:
        """Raises as `provider` does, and `UnknownModel`."""
        models = self.provider(provider).models
        if model not in models:
            near = alternatives(model, models)
            raise UnknownModel(f"{curated(provider).name} has no model {quote(model)} in the catalog.{near}")
        return models[model]

    def route(self, provider: str, model: str) -> ModelRoute:
        """Raises as `model` does."""
        source, reach = self._find_access(provider)
        info = self.model(provider, model)
        entry = source.models[model]
        tools = {id_: source.built_in_tools[id_] for id_ in entry.built_in_tools}
        return ModelRoute(
            provider=provider,
            model=model,
            litellm_model=f"{source.litellm_provider}/{model}",
            info=info,
            api=entry.api,
            reasoning_api=source.reasoning_api,
            streams=source.streams,
            charged=source.charged,
            reports_cost=source.reports_cost if entry.reports_cost is None else entry.reports_cost,
            request_fee=entry.request_fee,
            api_key=reach.api_key,
            base_url=reach.base_url,
            arguments=reach.arguments,
            tools={id_: deepcopy(tool.tool) for id_, tool in tools.items() if tool.tool is not None},
            parameter_tools={
                id_: deepcopy(tool.parameter) for id_, tool in tools.items() if tool.parameter is not None
            },
            tool_fees={id_: tool.fee for id_, tool in tools.items() if tool.fee is not None} | entry.tool_fees,
            tool_apis={id_: tool.api for id_, tool in tools.items() if tool.api is not None},
            unlisted_parameters=unlisted_parameters(source, entry, info),
            rules=tuple(rule for name in entry.parameter_sets for rule in source.rules.get(name, [])),
            companions=deepcopy(source.companions),
            writes_out_references=source.writes_out_references,
            conversation=entry.conversation or source.conversation,
        )

    def _find_access(self, slug: str) -> tuple[CuratedProvider, Access]:
        if slug not in provider_slugs():
            raise UnknownProvider(f"There is no provider {quote(slug)}.{self._suggest_others(slug)}")
        source = curated(slug)
        reach = access(source, self._environ)
        if reach is None:
            raise ProviderNotConfigured(_explain_missing_setup(source))
        return source, reach

    def _suggest_others(self, slug: str) -> str:
        """What `slug` may have meant, and what is missing to use it; where nothing is near, all that can be used."""
        near = find_similar(slug, [*provider_slugs(), GOFANNON])
        if not near:
            return alternatives(slug, self.providers())
        lacking = [other for other in near if other != GOFANNON and not access(curated(other), self._environ)]
        return alternatives(slug, near) + "".join(f" {_explain_missing_setup(curated(other))}" for other in lacking)


def _explain_missing_setup(source: CuratedProvider) -> str:
    return f"{source.name} is not set up here. Set {what_to_set(source)} to use it."

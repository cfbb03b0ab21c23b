"""Combines curated and generated data into the response of `GET /providers`, without keys and details of calls."""

from collections.abc import Mapping
from functools import cache

from shared.llm.catalog.data import (
    CuratedModel,
    CuratedProvider,
    GeneratedModel,
    load_curated,
    load_generated,
    load_generic_parameters,
)
from shared.models.catalog import BuiltInTool, ModelInfo, ParameterSpec, Prices, ProviderInfo

_FREE = Prices(input=0, output=0)


@cache
def describe_provider(provider: str) -> ProviderInfo:
    """Describes a provider and its models. Raises `KeyError` for a provider without a file."""
    source, generated = load_curated(provider), load_generated(provider)
    return ProviderInfo(
        name=source.name,
        description=source.description,
        models={slug: _build_model_info(source, model, generated.get(slug)) for slug, model in source.models.items()},
    )


def _build_model_info(provider: CuratedProvider, model: CuratedModel, generated: GeneratedModel | None) -> ModelInfo:
    generated = generated or GeneratedModel(mode="chat")
    context_window = model.context_window or generated.context_window
    max_output_tokens = model.max_output_tokens or generated.max_output_tokens
    return ModelInfo(
        description=model.description,
        context_window=context_window,
        max_output_tokens=max_output_tokens,
        prices=generated.prices if provider.charged else _FREE,
        abilities=generated.abilities if model.abilities is None else model.abilities,
        parameters={
            name: limit_to_tokens(name, spec, context_window, max_output_tokens)
            for name, spec in _collect_parameters(provider, model).items()
        },
        built_in_tools=[
            BuiltInTool(id=id_, description=provider.built_in_tools[id_].description) for id_ in model.built_in_tools
        ],
    )


def _collect_parameters(provider: CuratedProvider, model: CuratedModel) -> dict[str, ParameterSpec]:
    from_sets = {
        name: spec
        for set_name in model.parameter_sets
        for name, spec in provider.parameter_sets.get(set_name, {}).items()
    }
    specs = from_sets | model.parameters
    defaults = {name: specs[name].model_copy(update={"default": value}) for name, value in model.defaults.items()}
    return specs | defaults


def list_unlisted_parameters(
    provider: CuratedProvider, model: CuratedModel, info: ModelInfo
) -> Mapping[str, ParameterSpec]:
    """Returns the parameters that the model accepts but does not list, by name."""
    generic = load_generic_parameters()
    return {
        name: limit_to_tokens(name, spec or generic[name], info.context_window, info.max_output_tokens)
        for set_name in model.parameter_sets
        for name, spec in provider.unlisted_parameters.get(set_name, {}).items()
        if name not in info.parameters
    }


def limit_to_tokens(
    name: str, spec: ParameterSpec, context_window: int | None, max_output_tokens: int | None
) -> ParameterSpec:
    """Returns a parameter that limits tokens with the model's limit as its `max`. Others are returned unchanged."""
    limits = {
        "max_tokens": max_output_tokens,
        "max_completion_tokens": max_output_tokens,
        "num_ctx": context_window,
    }
    limit = limits.get(name)
    return spec if limit is None else spec.model_copy(update={"max": limit})

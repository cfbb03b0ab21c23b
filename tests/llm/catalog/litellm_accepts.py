"""Asks the installed litellm whether it takes what the catalog offers; prints what it refuses, as a JSON list.

A program of its own, because importing litellm changes the process it happens in.
"""

import json
import os
import sys
from typing import Any

from shared.llm.catalog import Catalog, ModelRoute, check_built_in_tools
from shared.llm.catalog.data import generic_parameters
from shared.models.catalog import ParameterSpec
from tests.llm.catalog.environs import EVERYTHING

PROVIDERS_OWN = {"top_k", "num_ctx", "repeat_penalty"}


def samples(spec: ParameterSpec) -> list[Any]:
    bounds = [bound for bound in (spec.min, spec.max) if bound is not None]
    plain: dict[str, list[Any]] = {"array": [["END"]], "string": ["x"], "object": [{"type": "json_object"}]}
    return spec.choices or bounds or plain[spec.type]


def refusal(route: ModelRoute, **arguments: Any) -> str | None:
    from litellm.utils import get_optional_params  # pyright: ignore[reportUnknownVariableType]

    provider = route.litellm_model.partition("/")[0]
    try:
        get_optional_params(model=route.model, custom_llm_provider=provider, **arguments)
    except Exception as error:  # whatever it is, it is a refusal
        return f"{route.name} {arguments}: {type(error).__name__} {str(error)[:200]}"
    return None


def main() -> None:
    import litellm

    catalog = Catalog.load(EVERYTHING)
    refused: list[str | None] = []
    for slug, info in catalog.providers().items():
        routes = [catalog.route(slug, model) for model in info.models]
        for route in routes:
            supported = litellm.get_supported_openai_params(
                model=route.model, custom_llm_provider=route.litellm_model.partition("/")[0]
            )
            unsupported = {*route.info.parameters} - {*(supported or [])} - PROVIDERS_OWN
            refused += [f"{route.name} {name}: not supported" for name in sorted(unsupported)]
            for name, spec in route.info.parameters.items():
                refused += [refusal(route, **{name: value}) for value in samples(spec)]
            for tool in route.info.built_in_tools:
                chosen = check_built_in_tools(route, [tool.id])
                refused.append(refusal(route, **chosen.parameters, **({"tools": chosen.tools} if chosen.tools else {})))
        for name in routes[0].generic_parameters:
            values = samples(generic_parameters()[name])
            if all(refusal(route, **{name: value}) for route in routes for value in values):
                refused.append(f"{slug}: no model takes the generic parameter {name}")
    sys.stdout.write(json.dumps([text for text in refused if text]))


if __name__ == "__main__":
    os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"
    os.environ["LITELLM_MODE"] = "PRODUCTION"
    main()

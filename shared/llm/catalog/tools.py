"""Turns the ids of the chosen built-in tools into the fields of a request."""

from collections.abc import Iterable
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from shared.llm.catalog.data import Api
from shared.llm.catalog.errors import UnknownBuiltInTool, alternatives, quote
from shared.llm.catalog.route import ModelRoute


@dataclass(frozen=True)
class ChosenTools:
    """The fields to add to a request: `tools` to its tools, `parameters` to its top level. `api`: the interface."""

    tools: list[dict[str, Any]]
    parameters: dict[str, Any]
    api: Api


def check_built_in_tools(route: ModelRoute, ids: Iterable[str]) -> ChosenTools:
    """Returns the chosen tools without duplicates. Raises `UnknownBuiltInTool` for a tool that the model lacks."""
    chosen = list(dict.fromkeys(ids))
    available = [tool.id for tool in route.info.built_in_tools]
    for id_ in chosen:
        if id_ not in available:
            suggestion = alternatives(id_, available) or " It has none."
            raise UnknownBuiltInTool(f"{route.name} has no built-in tool {quote(id_)}.{suggestion}")
    parameters: dict[str, Any] = {}
    api = route.api
    for id_ in chosen:
        parameters |= deepcopy(route.parameter_tools.get(id_, {}))
        api = route.tool_apis.get(id_, api)
    tools = [deepcopy(route.tools[id_]) for id_ in chosen if id_ in route.tools]
    return ChosenTools(tools=tools, parameters=parameters, api=api)

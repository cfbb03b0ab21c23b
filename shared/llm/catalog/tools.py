"""Turns the ids of built-in tools that a caller chose into what the request must carry for them."""

from collections.abc import Iterable
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from shared.llm.catalog.data import Api
from shared.llm.catalog.errors import UnknownBuiltInTool, alternatives, quote
from shared.llm.catalog.route import ModelRoute


@dataclass(frozen=True)
class ChosenTools:
    """What joins a request: `tools` its tools, `parameters` its top level; `api` is what it must go through."""

    tools: list[dict[str, Any]]
    parameters: dict[str, Any]
    api: Api


def check_built_in_tools(route: ModelRoute, ids: Iterable[str]) -> ChosenTools:
    """An id that comes twice counts once. Raises `UnknownBuiltInTool` for one that the model lacks."""
    chosen = list(dict.fromkeys(ids))
    offered = [tool.id for tool in route.info.built_in_tools]
    for id_ in chosen:
        if id_ not in offered:
            there = alternatives(id_, offered) or " It has none."
            raise UnknownBuiltInTool(f"{route.name} has no built-in tool {quote(id_)}.{there}")
    parameters: dict[str, Any] = {}
    api = route.api
    for id_ in chosen:
        parameters |= deepcopy(route.parameter_tools.get(id_, {}))
        api = route.tool_apis.get(id_, api)
    tools = [deepcopy(route.tools[id_]) for id_ in chosen if id_ in route.tools]
    return ChosenTools(tools=tools, parameters=parameters, api=api)

"""One call of a model, checked: what the caller chose, and which interface it has to go through."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from shared.llm.catalog.data import Api
from shared.llm.catalog.errors import InvalidParameters
from shared.llm.catalog.parameters import check_parameters
from shared.llm.catalog.route import ModelRoute
from shared.llm.catalog.tools import check_built_in_tools

_CHAT_ONLY = ("stop", "seed", "presence_penalty", "frequency_penalty", "logit_bias", "n")
"""What the Responses API does not take, and litellm would drop without a word."""


@dataclass(frozen=True)
class CheckedCall:
    """`parameters` and `tools` as the request carries them; `api` is what it goes through."""

    parameters: dict[str, Any]
    tools: list[dict[str, Any]]
    api: Api


def check_call(route: ModelRoute, parameters: Mapping[str, Any], built_in_tools: Sequence[str]) -> CheckedCall:
    """Raises `InvalidParameters` and `UnknownBuiltInTool` for what the model does not take."""
    chosen = check_parameters(route, parameters)
    tools = check_built_in_tools(route, built_in_tools)
    reasoning = chosen.get("reasoning_effort") is not None
    api = (route.reasoning_api if reasoning else None) or tools.api
    refused = [name for name in _CHAT_ONLY if api == "responses" and name in chosen]
    if refused:
        cause = "reasoning_effort" if reasoning else "built-in tools"
        raise InvalidParameters(f"{', '.join(refused)} cannot be combined with {cause} for {route.name}.")
    return CheckedCall({**chosen, **tools.parameters}, tools.tools, api)

"""Checks a model call: the caller's choices, and the interface that the call has to use."""

from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

from shared.llm.catalog.combinations import TOKEN_LIMITS, check_rules, split_parameters
from shared.llm.catalog.data import Api
from shared.llm.catalog.errors import InvalidParameters
from shared.llm.catalog.messages import check_messages
from shared.llm.catalog.parameters import check_parameters
from shared.llm.catalog.references import inline_references
from shared.llm.catalog.route import ModelRoute
from shared.llm.catalog.tools import check_built_in_tools
from shared.models.chat import Message
from shared.models.conversation import ConversationMessage

_CHAT_ONLY = ("stop", "seed", "presence_penalty", "frequency_penalty", "logit_bias")
"""Parameters that the Responses API does not accept. litellm would drop them silently."""
_MIN_RESPONSES_TOKENS = 16
"""The lowest answer limit that the Responses API accepts, in tokens."""


@dataclass(frozen=True)
class CheckedCall:
    """A checked call: `parameters`, `tools` and `messages` as they are sent, and `api`, the interface to use.

    `messages` is empty if no messages were checked.
    """

    parameters: dict[str, Any]
    tools: list[dict[str, Any]]
    api: Api
    messages: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])


def check_call(
    route: ModelRoute,
    parameters: Mapping[str, Any],
    built_in_tools: Sequence[str],
    messages: Sequence[Message | ConversationMessage] | None = None,
) -> CheckedCall:
    """Checks a call, and returns what to send.

    Raises `InvalidParameters`, `InvalidMessages` or `UnknownBuiltInTool` for values that the model does not accept. If
    `messages` is None, they are not known yet, and only the rest is checked.
    """
    chosen = check_parameters(route, parameters)
    tools = check_built_in_tools(route, built_in_tools)
    checked_messages = None if messages is None else check_messages(route, messages)
    redundant = check_rules(route, chosen, built_in_tools, checked_messages)
    reasoning = chosen.get("reasoning_effort") not in (None, "none")
    api = (route.reasoning_api if reasoning else None) or tools.api
    if api == "responses":
        redundant |= _check_responses(route, chosen, reasoning)
    sent = _prepare(route, {name: value for name, value in chosen.items() if name not in redundant}, api)
    for companions in [added for name, added in route.companions.items() if name in sent]:
        sent |= deepcopy(companions)
    return CheckedCall(sent | tools.parameters, tools.tools, api, checked_messages or [])


def _check_responses(route: ModelRoute, chosen: Mapping[str, Any], reasoning: bool) -> set[str]:
    """Returns the names of parameters to omit because they have their default values."""
    cause = "reasoning_effort" if reasoning else "built-in tools"
    redundant = split_parameters(route, cause, [name for name in _CHAT_ONLY if name in chosen], chosen)
    for name in TOKEN_LIMITS:
        if chosen.get(name, _MIN_RESPONSES_TOKENS) < _MIN_RESPONSES_TOKENS:
            cause = "" if route.api == "responses" else f" with {cause}"
            raise InvalidParameters(f"{name} must be at least {_MIN_RESPONSES_TOKENS} for {route.name}{cause}.")
    return redundant


def _prepare(route: ModelRoute, chosen: dict[str, Any], api: Api) -> dict[str, Any]:
    """Returns the parameters to send. Raises `InvalidParameters`.

    The answer limit gets the name that the model expects, and schemas the form that the provider needs. Redundant
    parameters are omitted.
    """
    limit_name = next((name for name in TOKEN_LIMITS if name in route.info.parameters), None)
    sent = {limit_name if limit_name and name in TOKEN_LIMITS else name: value for name, value in chosen.items()}
    if api == "responses":
        sent.pop("n", None)  # this API always returns one answer
    if sent.get("response_format") == {"type": "text"}:
        del sent["response_format"]
    response_format = sent.get("response_format", {})
    if route.writes_out_references and response_format.get("type") == "json_schema":
        json_schema = response_format["json_schema"]
        inlined = {**json_schema, "schema": inline_references(json_schema["schema"])}
        sent["response_format"] = {**response_format, "json_schema": inlined}
    return sent

"""One call of a model, checked: what the caller chose, and which interface it has to go through."""

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

_CHAT_ONLY = ("stop", "seed", "presence_penalty", "frequency_penalty", "logit_bias")
"""What the Responses API does not take, and litellm would drop without a word."""
_MIN_RESPONSES_TOKENS = 16
"""The shortest longest answer, in tokens, that the Responses API can be asked for."""


@dataclass(frozen=True)
class CheckedCall:
    """`parameters`, `tools` and `messages` as the request carries them; `api` is what it goes through.

    `messages` is empty where none were given to be checked.
    """

    parameters: dict[str, Any]
    tools: list[dict[str, Any]]
    api: Api
    messages: list[dict[str, str]] = field(default_factory=list[dict[str, str]])


def check_call(
    route: ModelRoute,
    parameters: Mapping[str, Any],
    built_in_tools: Sequence[str],
    messages: Sequence[Message] | None = None,
) -> CheckedCall:
    """Raises `InvalidParameters`, `InvalidMessages` and `UnknownBuiltInTool` for what the model does not take.

    `messages` None: they are not known yet, and only the rest is checked.
    """
    chosen = check_parameters(route, parameters)
    tools = check_built_in_tools(route, built_in_tools)
    spoken = None if messages is None else check_messages(route, messages)
    needless = check_rules(route, chosen, built_in_tools, spoken)
    reasoning = chosen.get("reasoning_effort") not in (None, "none")
    api = (route.reasoning_api if reasoning else None) or tools.api
    if api == "responses":
        needless |= _check_responses(route, chosen, reasoning)
    sent = _prepare(route, {name: value for name, value in chosen.items() if name not in needless}, api)
    for companions in [joined for name, joined in route.companions.items() if name in sent]:
        sent |= deepcopy(companions)
    return CheckedCall(sent | tools.parameters, tools.tools, api, spoken or [])


def _check_responses(route: ModelRoute, chosen: Mapping[str, Any], reasoning: bool) -> set[str]:
    """Which parameters have to be left out, and say nothing."""
    cause = "reasoning_effort" if reasoning else "built-in tools"
    needless = split_parameters(route, cause, [name for name in _CHAT_ONLY if name in chosen], chosen)
    for name in TOKEN_LIMITS:
        if chosen.get(name, _MIN_RESPONSES_TOKENS) < _MIN_RESPONSES_TOKENS:
            cause = "" if route.api == "responses" else f" with {cause}"
            raise InvalidParameters(f"{name} must be at least {_MIN_RESPONSES_TOKENS} for {route.name}{cause}.")
    return needless


def _prepare(route: ModelRoute, chosen: dict[str, Any], api: Api) -> dict[str, Any]:
    """The longest answer by the name that the model has for it; nothing that says what is so anyway; a schema as it is
    sent. Raises `InvalidParameters`.
    """
    listed = next((name for name in TOKEN_LIMITS if name in route.info.parameters), None)
    sent = {listed if listed and name in TOKEN_LIMITS else name: value for name, value in chosen.items()}
    if api == "responses":
        sent.pop("n", None)  # one answer is all there is
    if sent.get("response_format") == {"type": "text"}:
        del sent["response_format"]
    wanted = sent.get("response_format", {})
    if route.writes_out_references and wanted.get("type") == "json_schema":
        schema = {**wanted["json_schema"], "schema": inline_references(wanted["json_schema"]["schema"])}
        sent["response_format"] = {**wanted, "json_schema": schema}
    return sent

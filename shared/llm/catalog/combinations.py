"""Checks for combinations of parameters, tools and messages that a model refuses although it accepts each of them.

Frontends send all defaults back, so a parameter with its documented default value is redundant. If such a parameter
cannot be combined with another one, it is omitted instead of refused.
"""

from collections.abc import Mapping, Sequence
from typing import Any, cast

from shared.llm.catalog.data import Bounds, Rule
from shared.llm.catalog.errors import InvalidMessages, InvalidParameters
from shared.llm.catalog.objects import check_closed, check_top
from shared.llm.catalog.route import ModelRoute

TOKEN_LIMITS = ("max_tokens", "max_completion_tokens")
"""The two names under which models accept the answer limit."""


def check_rules(
    route: ModelRoute,
    parameters: Mapping[str, Any],
    tools: Sequence[str],
    messages: Sequence[Mapping[str, Any]] | None,
) -> set[str]:
    """Returns the names of redundant parameters, which must not be sent.

    `parameters`: the checked parameters. `messages`: the messages to send; None if they are not known yet. Raises
    `InvalidParameters` or `InvalidMessages`, which says what to omit.
    """
    redundant: set[str] = set()
    for rule in route.rules:
        value = _find_value(rule.when, parameters)
        if isinstance(value, list):
            _check_texts(route, rule, cast("list[str]", value))
        if value is None or value in rule.unless or (rule.values is not None and value not in rule.values):
            continue
        cause = f"{rule.when} {value}" if isinstance(value, str) else rule.when
        redundant |= split_parameters(route, cause, [name for name in rule.excludes if name in parameters], parameters)
        _check_parameters(route, rule, cause, value, parameters)
        if tools and not rule.tools:
            raise InvalidParameters(f"{cause} cannot be combined with built-in tools for {route.name}.")
        if refused := [tool for tool in tools if tool in rule.without_tools]:
            raise InvalidParameters(f"{cause} cannot be combined with {', '.join(refused)} for {route.name}.")
        if messages is not None:
            _check_messages(route, rule, cause, messages)
    return redundant


def split_parameters(route: ModelRoute, cause: str, names: Sequence[str], parameters: Mapping[str, Any]) -> set[str]:
    """Returns the redundant parameters of `names`, none of which can be combined with `cause`.

    Raises `InvalidParameters` if any of them is not redundant.
    """
    specs = route.info.parameters
    redundant = {name for name in names if name in specs and specs[name].default == parameters[name]}
    if refused := [name for name in names if name not in redundant]:
        raise InvalidParameters(f"{', '.join(refused)} cannot be combined with {cause} for {route.name}.")
    return redundant


def _check_parameters(route: ModelRoute, rule: Rule, cause: str, value: Any, parameters: Mapping[str, Any]) -> None:
    for name, bounds in rule.holds.items():
        if name in parameters and not _is_within(parameters[name], bounds):
            raise InvalidParameters(f"{name} must be {_describe(bounds)} for {route.name} with {cause}.")
    if rule.object_at_top:
        check_top(parameters[rule.when])
    if rule.closed:
        check_closed(parameters[rule.when])
    minimum = rule.more_tokens_than.get(value) if isinstance(value, str) else None
    for name in TOKEN_LIMITS:
        if minimum is not None and name in parameters and parameters[name] <= minimum:
            raise InvalidParameters(
                f"{name} must be more than {minimum} for {route.name} with {cause}: it includes the model's thoughts."
            )


def _check_texts(route: ModelRoute, rule: Rule, texts: Sequence[str]) -> None:
    if not rule.blanks and any(not text.strip() for text in texts):
        raise InvalidParameters(f"{rule.when} must not have an entry that is only white space for {route.name}.")


def _check_messages(route: ModelRoute, rule: Rule, cause: str, messages: Sequence[Mapping[str, Any]]) -> None:
    if not rule.begun_answer and messages[-1]["role"] == "assistant":
        raise InvalidMessages(f"For {route.name} with {cause}, the last message must be the user's.")
    if rule.mentions and not any(rule.mentions in _read_text(message) for message in messages):
        raise InvalidMessages(f"With {cause}, {route.name} needs the word {rule.mentions.upper()} in a message.")


def _read_text(message: Mapping[str, Any]) -> str:
    content = message["content"] or ""
    parts = [{"text": content}] if isinstance(content, str) else content
    return "".join(part.get("text", "") for part in parts).lower()


def _find_value(name: str, parameters: Mapping[str, Any]) -> Any:
    value = parameters.get(name)
    return cast("dict[str, Any]", value).get("type") if isinstance(value, dict) else value


def _is_within(value: float, bounds: Bounds) -> bool:
    return (bounds.min is None or value >= bounds.min) and (bounds.max is None or value <= bounds.max)


def _describe(bounds: Bounds) -> str:
    if bounds.min == bounds.max:
        return f"{bounds.min:g}"
    lower = None if bounds.min is None else f"at least {bounds.min:g}"
    upper = None if bounds.max is None else f"at most {bounds.max:g}"
    return " and ".join(bound for bound in (lower, upper) if bound)

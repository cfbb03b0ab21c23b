"""Lets through to a model only what a caller may say to it: the parameters that it takes, within their bounds.

The rest of what litellm takes decides where a request goes and with which key: never a caller's to choose.
"""

import json
from collections.abc import Mapping
from typing import Any, cast

from shared.llm.catalog.errors import InvalidParameters, alternatives, quote
from shared.llm.catalog.objects import check_object
from shared.llm.catalog.route import ModelRoute
from shared.models.catalog import ParameterSpec
from shared.numbers import is_finite_number

_DESCRIPTIONS = {
    "string": "a text",
    "integer": "a whole number",
    "float": "a number",
    "boolean": "true or false",
    "array": "a list of texts that are not empty",
    "object": "an object",
}
_COUNTED_UNITS = {"array": " of them", "string": " characters"}


def check_parameters(route: ModelRoute, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """What may be sent, without what is null or an empty list: that means not set.

    Raises `InvalidParameters` for a name that the model does not take, and for a value out of place.
    Defaults are not filled in: what the caller does not set is the provider's to decide.
    """
    given = {name: (value, _find_spec(route, name)) for name, value in parameters.items() if value is not None}
    checked = {
        name: _check(name, value, spec)
        for name, (value, spec) in given.items()
        if not (spec.type == "array" and value == [])
    }
    if "max_tokens" in checked and "max_completion_tokens" in checked:
        raise InvalidParameters("max_tokens and max_completion_tokens mean the same: set one of them.")
    return checked


def _find_spec(route: ModelRoute, name: str) -> ParameterSpec:
    spec = route.info.parameters.get(name) or route.unlisted_parameters.get(name)
    if spec is not None:
        return spec
    allowed = [*route.info.parameters, *route.unlisted_parameters]
    raise InvalidParameters(f"{route.name} takes no parameter {quote(name)}.{alternatives(name, allowed)}")


def _check(name: str, given: Any, spec: ParameterSpec) -> Any:
    value: Any = given
    match spec.type:
        case "choice":
            fits = any(type(value) is type(choice) and value == choice for choice in spec.choices or [])
        case "integer":
            value = int(value) if isinstance(value, float) and value.is_integer() else value
            fits = isinstance(value, int) and not isinstance(value, bool) and _is_within(value, spec)
        case "float":
            fits = is_finite_number(value) and _is_within(value, spec)
        case "boolean":
            fits = isinstance(value, bool)
        case "string":
            fits = isinstance(value, str) and (spec.max is None or len(value) <= spec.max)
        case "array":
            value = [value] if isinstance(value, str) else value
            fits = _is_list_of_texts(value) and (spec.max is None or len(value) <= spec.max)
        case "object":
            fits = isinstance(value, dict) and _is_json(given)
    if not fits:
        raise InvalidParameters(f"{name} must be {_describe(spec)}.")
    if isinstance(value, dict):
        check_object(name, cast("dict[str, Any]", value), spec)
    return value


def _is_within(value: float, spec: ParameterSpec) -> bool:
    return (spec.min is None or value >= spec.min) and (spec.max is None or value <= spec.max)


def _is_list_of_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) and item for item in cast("list[Any]", value))


def _is_json(value: Any) -> bool:
    try:
        json.dumps(value, allow_nan=False)
    except (TypeError, ValueError, RecursionError):
        return False
    return True


def _describe(spec: ParameterSpec) -> str:
    if spec.type == "choice":
        return "one of " + ", ".join(str(choice) for choice in spec.choices or [])
    wanted = _DESCRIPTIONS[spec.type]
    if spec.type in _COUNTED_UNITS and spec.max is not None:
        return f"{wanted}, at most {spec.max:g}{_COUNTED_UNITS[spec.type]}"
    if spec.min is not None and spec.max is not None:
        return (
            f"{spec.min:g}"
            if spec.min == spec.max
            else f"{wanted} from {_format_number(spec.min)} to {_format_number(spec.max)}"
        )
    if spec.min is not None:
        return f"{wanted}, at least {_format_number(spec.min)}"
    return wanted if spec.max is None else f"{wanted}, at most {_format_number(spec.max)}"


def _format_number(number: float) -> str:
    return str(int(number)) if float(number).is_integer() else str(number)

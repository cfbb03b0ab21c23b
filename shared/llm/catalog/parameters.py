"""Checks a caller's parameters. Only parameters that the model accepts, with values within their bounds, are sent.

litellm's other arguments determine where a request is sent and with which key, so callers must not choose them.
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
    "string": "a string",
    "integer": "a whole number",
    "float": "a number",
    "boolean": "true or false",
    "array": "a list of non-empty strings",
    "object": "an object",
}
_COUNTED_UNITS = {"array": " of them", "string": " characters"}


def check_parameters(route: ModelRoute, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the parameters to send. A null or an empty list means that the parameter is not set.

    Raises `InvalidParameters` for a name or a value that the model does not accept. Defaults are not filled in: the
    provider chooses the values of parameters that the caller does not set.
    """
    specified = {name: (value, _find_spec(route, name)) for name, value in parameters.items() if value is not None}
    checked = {
        name: _check(name, value, spec)
        for name, (value, spec) in specified.items()
        if not (spec.type == "array" and value == [])
    }
    if "max_tokens" in checked and "max_completion_tokens" in checked:
        raise InvalidParameters("max_tokens and max_completion_tokens have the same meaning: set only one of them.")
    return checked


def _find_spec(route: ModelRoute, name: str) -> ParameterSpec:
    spec = route.info.parameters.get(name) or route.unlisted_parameters.get(name)
    if spec is not None:
        return spec
    allowed = [*route.info.parameters, *route.unlisted_parameters]
    raise InvalidParameters(f"{route.name} has no parameter {quote(name)}.{alternatives(name, allowed)}")


def _check(name: str, original: Any, spec: ParameterSpec) -> Any:
    value: Any = original
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
            fits = _is_list_of_strings(value) and (spec.max is None or len(value) <= spec.max)
        case "object":
            fits = isinstance(value, dict) and _is_json(original)
    if not fits:
        raise InvalidParameters(f"{name} must be {_describe(spec)}.")
    if isinstance(value, dict):
        check_object(name, cast("dict[str, Any]", value), spec)
    return value


def _is_within(value: float, spec: ParameterSpec) -> bool:
    return (spec.min is None or value >= spec.min) and (spec.max is None or value <= spec.max)


def _is_list_of_strings(value: Any) -> bool:
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
    description = _DESCRIPTIONS[spec.type]
    if spec.type in _COUNTED_UNITS and spec.max is not None:
        return f"{description}, at most {spec.max:g}{_COUNTED_UNITS[spec.type]}"
    if spec.min is not None and spec.max is not None:
        return (
            f"{spec.min:g}"
            if spec.min == spec.max
            else f"{description} from {_format_number(spec.min)} to {_format_number(spec.max)}"
        )
    if spec.min is not None:
        return f"{description}, at least {_format_number(spec.min)}"
    return description if spec.max is None else f"{description}, at most {_format_number(spec.max)}"


def _format_number(number: float) -> str:
    return str(int(number)) if float(number).is_integer() else str(number)

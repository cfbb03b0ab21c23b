"""Translates the fields of a request into the parameters of the model, and has the catalog check them one by one."""

from collections.abc import Mapping
from typing import Any, cast

from shared.llm.catalog import CatalogError, ModelRoute, check_parameters
from shared.models.openai_api.chat_request import ChatCompletionRequest
from shared.models.openai_api.errors import InvalidRequest, UnsupportedParameter
from shared.models.openai_api.response_request import ResponseRequest

_TOKEN_LIMITS = ("max_tokens", "max_completion_tokens")
_WITHOUT_EFFECT: Mapping[str, tuple[Any, ...]] = {
    "temperature": (1,), "top_p": (1,), "stop": ([],), "verbosity": ("medium",),
}  # fmt: skip
"""Values that have no effect on an agent, nor on a model without the parameter."""


def read_chat_parameters(request: ChatCompletionRequest) -> dict[str, Any]:
    """Returns the parameters of a chat completion, by their names in the request. Raises `InvalidRequest`."""
    names = (
        "temperature", "top_p", "max_tokens", "max_completion_tokens", "stop", "seed", "presence_penalty",
        "frequency_penalty", "reasoning_effort", "verbosity", "response_format",
    )  # fmt: skip
    parameters = {name: getattr(request, name) for name in names} | request.extra_fields()
    for name in ("presence_penalty", "frequency_penalty"):
        if parameters[name] in request.NEUTRAL[name]:
            parameters[name] = None
    if parameters["max_tokens"] is not None and parameters["max_completion_tokens"] is not None:
        raise InvalidRequest("max_tokens and max_completion_tokens have the same meaning: send one.", "max_tokens")
    return _drop_text_format(_without_nulls(parameters))


def read_response_parameters(request: ResponseRequest) -> dict[str, Any]:
    """Returns the parameters of a response, by their names in chat completions. Raises `InvalidRequest`."""
    text, reasoning = request.text, request.reasoning
    parameters: dict[str, Any] = {
        "temperature": request.temperature,
        "top_p": request.top_p,
        "max_completion_tokens": request.max_output_tokens,
        "verbosity": None if text is None else text.verbosity,
        "reasoning_effort": None if reasoning is None else reasoning.effort,
        "response_format": None if text is None or text.format is None else _nest_schema(text.format),
    }
    return _drop_text_format(_without_nulls(parameters | request.extra_fields()))


def _nest_schema(text_format: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the format as chat completions have it, with the schema in an object of its own."""
    if text_format.get("type") != "json_schema":
        return dict(text_format)
    schema = {name: value for name, value in text_format.items() if name != "type" and value is not None}
    return {"type": "json_schema", "json_schema": schema}


def _without_nulls(parameters: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in parameters.items() if value is not None}


def _drop_text_format(parameters: dict[str, Any]) -> dict[str, Any]:
    """Removes the format that every model has."""
    if parameters.get("response_format") == {"type": "text"}:
        del parameters["response_format"]
    response_format: Any = parameters.get("response_format")
    if isinstance(response_format, dict):
        fields = cast("dict[str, Any]", response_format)
        if isinstance(schema := fields.get("json_schema"), dict):
            known = _without_nulls(cast("dict[str, Any]", schema))
            parameters["response_format"] = {**fields, "json_schema": known}
    return parameters


def check_for_model(route: ModelRoute, parameters: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    """Returns the parameters with the names that the model has. Raises `InvalidRequest` with the field at fault.

    `names`: the fields of the request that have other names than their parameters.
    """
    listed = {*route.info.parameters, *route.unlisted_parameters}
    checked: dict[str, Any] = {}
    for name, value in parameters.items():
        known = name
        if name in _TOKEN_LIMITS and name not in listed:
            known = next((limit for limit in _TOKEN_LIMITS if limit in listed), name)
        field = names.get(name, name)
        if known not in listed and value in _WITHOUT_EFFECT.get(name, ()):
            continue
        if known not in listed:
            raise UnsupportedParameter(field, f" The model {route.name} does not have it.")
        try:
            check_parameters(route, {known: value})
        except CatalogError as error:
            raise InvalidRequest(str(error), field, "invalid_value") from error
        checked[known] = value
    return checked


def check_for_agent(parameters: Mapping[str, Any], names: Mapping[str, str]) -> None:
    """Raises `UnsupportedParameter` for anything that has no effect on an agent, which calls models by itself."""
    for name, value in parameters.items():
        if value not in _WITHOUT_EFFECT.get(name, ()):
            raise UnsupportedParameter(names.get(name, name), " An agent calls models with parameters of its own.")

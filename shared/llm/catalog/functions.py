"""Checks the functions of a call, which the model may ask its caller to call, and brings them into the form to send."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from shared.llm.catalog.errors import InvalidParameters, quote
from shared.llm.catalog.references import inline_references
from shared.llm.catalog.route import ModelRoute
from shared.models.chat import ChatRequest
from shared.models.conversation import CompletionRequest, ConversationMessage, FunctionTool

FUNCTION_CALLING = "function_calling"
"""The ability of models that call functions."""
_NAMED = "function:"


@dataclass(frozen=True)
class CheckedFunctions:
    """The functions as they are sent, and the `parameters` that say how they may be called.

    `is_forced`: whether the model must call one. `has_results`: whether the conversation ends with results.
    """

    functions: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    parameters: dict[str, Any] = field(default_factory=dict[str, Any])
    is_forced: bool = False
    has_results: bool = False


NO_FUNCTIONS = CheckedFunctions()


def check_functions(route: ModelRoute, request: ChatRequest) -> CheckedFunctions:
    """Returns the functions of a request. Raises `InvalidParameters` for what the model does not accept."""
    if not isinstance(request, CompletionRequest):
        return NO_FUNCTIONS
    has_results = request.messages[-1].role == "tool"
    has_calls = any(_is_part_of_call(message) for message in request.messages)
    if (request.functions or has_calls) and FUNCTION_CALLING not in route.info.abilities:
        raise InvalidParameters(
            f"{route.name} cannot call functions. Omit the tools, or choose a model with the ability "
            f"{FUNCTION_CALLING!r}: GET /providers lists them."
        )
    if has_calls and not request.functions and route.functions.are_needed:
        raise InvalidParameters(f"The conversation has calls of functions, so {route.name} needs the tools again.")
    names = Counter(function.name for function in request.functions)
    if repeated := [name for name, count in names.items() if count > 1]:
        raise InvalidParameters(f"Two functions have the name {quote(repeated[0])}.")
    if request.functions and request.built_in_tools and not route.functions.beside_tools:
        raise InvalidParameters(f"{route.name} cannot use functions together with built-in tools.")
    parameters = _check_choice(route, request, [*names])
    return CheckedFunctions(
        functions=[_to_sent(route, function) for function in request.functions],
        parameters=parameters,
        is_forced=parameters.get("tool_choice", "none") != "none",
        has_results=has_results,
    )


def _is_part_of_call(message: ConversationMessage) -> bool:
    return message.role == "tool" or bool(message.tool_calls)


def _check_choice(route: ModelRoute, request: CompletionRequest, names: Sequence[str]) -> dict[str, Any]:
    """Returns the fields that limit the model's choice. What the provider does anyway is not sent."""
    fields: dict[str, Any] = {}
    choice = request.tool_choice or "auto"
    kind = "function" if choice.startswith(_NAMED) else choice
    if not names and kind in ("required", "function"):
        raise InvalidParameters("tool_choice needs tools to choose from.")
    if names and kind != "auto":
        if kind not in route.functions.choices:
            raise InvalidParameters(f"{route.name} does not accept the tool_choice {kind}. Omit it.")
        name = choice.removeprefix(_NAMED)
        if kind == "function" and name not in names:
            raise InvalidParameters(f"tool_choice names {quote(name)}, which is not one of the tools.")
        fields["tool_choice"] = {"type": "function", "function": {"name": name}} if kind == "function" else kind
    if names and request.parallel_tool_calls is False:
        if not route.functions.one_at_a_time:
            raise InvalidParameters(f"{route.name} cannot be limited to one call at a time. Omit parallel_tool_calls.")
        fields["parallel_tool_calls"] = False
    return fields


def _to_sent(route: ModelRoute, function: FunctionTool) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "object", "properties": {}, **(function.parameters or {})}
    if schema["type"] != "object":
        raise InvalidParameters(f"The parameters of the function {quote(function.name)} must describe an object.")
    sent: dict[str, Any] = {
        "name": function.name,
        "parameters": inline_references(schema) if route.functions.writes_out_references else schema,
    }
    if function.description is not None:
        sent["description"] = function.description
    if function.strict is not None and route.functions.strict:
        sent["strict"] = function.strict
    return {"type": "function", "function": sent}

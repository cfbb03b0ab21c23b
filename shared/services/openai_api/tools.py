"""Translates the tools of a request, and the choice among them, and shows them again.

A tool is a function of the caller's, or one of the model's built-in tools, by its id in the catalog as the `type`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from shared.models.conversation import FunctionTool
from shared.models.openai_api.errors import InvalidRequest, UnsupportedParameter

_FUNCTION_FIELDS = {"name", "description", "parameters", "strict"}
_IGNORED_FIELDS = {"output_schema"}
"""Fields that only inform the model of what the caller returns."""
_NEUTRAL: dict[str, Any] = {
    "defer_loading": False,
    "allowed_callers": ["direct"],
    "external_web_access": True,
    "search_context_size": "medium",
    "container": {"type": "auto"},
    "filters": {},
}
"""Options of tools that clients send without being asked to, with the values that have no effect."""
_NAMES: dict[str, str] = {
    "web_search_preview": "web_search",
    "web_search_preview_2025_03_11": "web_search",
    "web_search_2025_08_26": "web_search",
}
"""Other names of a built-in tool."""
_SHOWN: dict[str, dict[str, Any]] = {"code_interpreter": {"container": {"type": "auto"}}}
"""What OpenAI's schema requires of a built-in tool, by its id."""
_CHOICES = ("auto", "none", "required")


@dataclass
class Tools:
    """The tools of a request. `functions`: in the form of `FunctionTool`. `built_in`: ids. `choice`: as stored."""

    functions: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    built_in: list[str] = field(default_factory=list[str])
    choice: str | None = None


def read_tools(tools: Sequence[dict[str, Any]] | None, choice: Any, *, nested: bool) -> Tools:
    """Returns the tools. `nested`: whether a function's fields are in an object of their own, as in chat completions.

    Raises `InvalidRequest`.
    """
    result = Tools()
    for index, tool in enumerate(tools or ()):
        place, kind = f"tools[{index}]", tool.get("type")
        if kind == "function":
            result.functions.append(_read_function(tool, place, nested=nested))
        elif isinstance(kind, str) and kind:
            if options := [name for name, value in tool.items() if name != "type" and _has_effect(name, value)]:
                raise UnsupportedParameter(f"{place}.{options[0]}")
            result.built_in.append(_NAMES.get(kind, kind))
        else:
            raise InvalidRequest(f"The type of {place} is missing.", f"{place}.type")
    if isinstance(choice, dict) and cast("dict[str, Any]", choice).get("type") == "allowed_tools":
        return _allow(result, cast("dict[str, Any]", choice), nested=nested)
    result.choice = _read_choice(choice, nested=nested)
    return result


def _allow(tools: Tools, choice: dict[str, Any], *, nested: bool) -> Tools:
    """Returns the tools that the choice allows, with its mode as the choice among them. Raises `InvalidRequest`."""
    fields: Any = choice.get("allowed_tools") if nested else choice
    allowed: Any = cast("dict[str, Any]", fields).get("tools") if isinstance(fields, dict) else None
    if not (isinstance(allowed, list) and allowed and fields.get("mode") in ("auto", "required")):
        raise InvalidRequest("The allowed tools are a list of tools, with the mode auto or required.", "tool_choice")
    names = [_name_of(tool, nested=nested) for tool in cast("list[Any]", allowed)]
    result = Tools(
        [function for function in tools.functions if ("function", function.get("name")) in names],
        [id_ for id_ in tools.built_in if (id_, None) in names],
        fields["mode"],
    )
    found = [
        *(("function", function.get("name")) for function in result.functions),
        *((id_, None) for id_ in result.built_in),
    ]
    if missing := [name or kind for kind, name in names if (kind, name) not in found]:
        raise InvalidRequest(f"The tools have no {str(missing[0])[:100]!r}, which tool_choice allows.", "tool_choice")
    return result


def _name_of(tool: Any, *, nested: bool) -> tuple[Any, Any]:
    """Returns the type of an allowed tool, and the name of a function."""
    fields = cast("dict[str, Any]", tool) if isinstance(tool, dict) else {}
    kind: Any = fields.get("type")
    if kind != "function":
        return _NAMES.get(str(kind), kind), None
    function: Any = fields.get("function") if nested else fields
    return kind, cast("dict[str, Any]", function).get("name") if isinstance(function, dict) else None


def _has_effect(name: str, value: Any) -> bool:
    """Whether an option of a tool has an effect. Nulls and empty lists in it have none."""
    if isinstance(value, dict):
        fields = cast("dict[str, Any]", value).items()
        value = {name: part for name, part in fields if part is not None and part != []}
    return value is not None and not (name in _NEUTRAL and value == _NEUTRAL[name])


def _read_function(tool: dict[str, Any], place: str, *, nested: bool) -> dict[str, Any]:
    fields: Any = tool.get("function") if nested else {name: tool[name] for name in tool if name != "type"}
    if not isinstance(fields, dict):
        raise InvalidRequest(f"The function of {place} is missing.", f"{place}.function")
    known = {
        name: value
        for name, value in cast("dict[str, Any]", fields).items()
        if name not in _IGNORED_FIELDS and _has_effect(name, value)
    }
    if unknown := known.keys() - _FUNCTION_FIELDS:
        raise UnsupportedParameter(f"{place}.{min(unknown)}")
    return known


def _read_choice(choice: Any, *, nested: bool) -> str | None:
    if choice is None or choice in _CHOICES:
        return choice
    if isinstance(choice, dict):
        fields = cast("dict[str, Any]", choice)
        if fields.get("type") == "function":
            named: Any = fields.get("function") if nested else fields
            name = cast("dict[str, Any]", named).get("name") if isinstance(named, dict) else None
            if not isinstance(name, str):
                raise InvalidRequest("The name of the function in tool_choice is missing.", "tool_choice")
            return f"function:{name}"
    raise UnsupportedParameter("tool_choice", " Send auto, none, required, one function, or allowed_tools.")


def show_tools(functions: Sequence[FunctionTool], built_in: Sequence[str]) -> list[dict[str, Any]]:
    """Returns the tools as a response repeats them."""
    return [
        *({"type": "function", **function.model_dump()} for function in functions),
        *({"type": id_, **_SHOWN.get(id_, {})} for id_ in built_in),
    ]


def show_choice(choice: str | None) -> Any:
    """Returns the choice as a response repeats it."""
    if choice is not None and choice.startswith("function:"):
        return {"type": "function", "name": choice.removeprefix("function:")}
    return choice or "auto"

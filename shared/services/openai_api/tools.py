"""Translates the tools of a request, and the choice among them, and shows them again.

A tool is a function of the caller's, or one of the model's built-in tools, by its id in the catalog as the `type`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from shared.models.conversation import FunctionTool
from shared.models.openai_api.errors import InvalidRequest, UnsupportedParameter

_FUNCTION_FIELDS = {"name", "description", "parameters", "strict"}
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
            if options := [name for name, value in tool.items() if name != "type" and value is not None]:
                raise UnsupportedParameter(f"{place}.{options[0]}")
            result.built_in.append(kind)
        else:
            raise InvalidRequest(f"The type of {place} is missing.", f"{place}.type")
    result.choice = _read_choice(choice, nested=nested)
    return result


def _read_function(tool: dict[str, Any], place: str, *, nested: bool) -> dict[str, Any]:
    fields: Any = tool.get("function") if nested else {name: tool[name] for name in tool if name != "type"}
    if not isinstance(fields, dict):
        raise InvalidRequest(f"The function of {place} is missing.", f"{place}.function")
    known = {name: value for name, value in cast("dict[str, Any]", fields).items() if value is not None}
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
    raise UnsupportedParameter("tool_choice", " Send auto, none, required, or one function.")


def show_tools(functions: Sequence[FunctionTool], built_in: Sequence[str]) -> list[dict[str, Any]]:
    """Returns the tools as a response repeats them."""
    return [
        *({"type": "function", **function.model_dump()} for function in functions),
        *({"type": id_} for id_ in built_in),
    ]


def show_choice(choice: str | None) -> Any:
    """Returns the choice as a response repeats it."""
    if choice is not None and choice.startswith("function:"):
        return {"type": "function", "name": choice.removeprefix("function:")}
    return choice or "auto"

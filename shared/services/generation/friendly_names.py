"""Reads agents' friendly names and docstrings from a model's answer, or derives them from the agent's description."""

import json
import re
from typing import Any, cast

from shared.llm.text import repair_text

_SNAKE = re.compile(r"^[a-z][a-z0-9]*(?:_[a-z0-9]+)*$")
_MAX_NAME_CHARACTERS = 60


def read_name_and_docstring(answer: str, description: str) -> tuple[str, str]:
    """Returns the name and the docstring that a model gave, or derives them from the `description`.

    An invalid name is converted to a valid one.
    """
    match = re.search(r"\{.*\}", answer, re.DOTALL)
    try:
        parsed: Any = json.loads(match[0]) if match else {}
    except (ValueError, RecursionError):
        parsed = {}
    fields = cast("dict[str, Any]", parsed) if isinstance(parsed, dict) else {}
    name = fields.get("friendly_name") or fields.get("friendlyName")
    docstring = fields.get("docstring")
    return (
        to_snake_case(name if isinstance(name, str) else "")
        or to_snake_case(" ".join(description.split()[:4]))
        or "agent",
        repair_text(docstring.strip()) if isinstance(docstring, str) and docstring.strip() else description.strip(),
    )


def to_snake_case(text: str) -> str:
    """Returns `text` as a snake_case name, which is empty if `text` has no letters that a name can contain."""
    spaced = re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", text)
    name = re.sub(r"[^a-z0-9]+", "_", spaced.lower()).strip("_")
    name = re.sub(r"^[0-9_]+", "", name)[:_MAX_NAME_CHARACTERS].strip("_")
    return name if _SNAKE.match(name) else ""

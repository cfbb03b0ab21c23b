"""Reads texts and JSON as providers send them: in parts, with lone surrogates, with values of the wrong type."""

from typing import Any, cast

MAX_DEPTH = 50
"""The nesting limit of the details that are stored with an answer."""
_LABELS = {"role", "type", "id", "index", "format", "status", "object", "annotations"}
"""Fields of a message with texts that the model did not write."""


def repair_text(text: str) -> str:
    """Joins the halves of surrogate pairs, and replaces lone surrogates, which UTF-8 cannot encode."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text


def repair_texts(value: Any, depth: int = MAX_DEPTH) -> Any:
    """JSON with every text repaired, including field names. Values below the nesting limit are dropped."""
    match value:
        case list() | dict() if not depth:
            return None
        case str():
            return repair_text(value)
        case list():
            items: list[Any] = value
            return [repair_texts(item, depth - 1) for item in items]
        case dict():
            fields: dict[str, Any] = value
            return {repair_text(name): repair_texts(item, depth - 1) for name, item in fields.items()}
        case _:
            return value


def text_of(content: Any) -> str:
    """The text of a message: a string, or the joined texts of a list of parts. Empty for anything else."""
    match content:
        case str():
            return content
        case list():
            parts: list[Any] = content
            return "".join(part if isinstance(part, str) else text_of(object_of(part).get("text")) for part in parts)
        case _:
            return ""


def object_of(value: Any) -> dict[str, Any]:
    """A JSON object; an empty one for anything else."""
    return value if isinstance(value, dict) else {}


def array_of(value: Any) -> list[Any]:
    """A JSON array; an empty one for anything else."""
    return value if isinstance(value, list) else []


def objects_of(value: Any) -> list[dict[str, Any]]:
    """The objects in a JSON array; none for anything else."""
    return [item for item in array_of(value) if isinstance(item, dict)]


def name_of(value: Any) -> str | None:
    """A short string, such as a reason or a code; None for anything else."""
    return repair_text(value[:100]) if isinstance(value, str) and value.strip() else None


def model_texts(message: dict[str, Any]) -> set[str]:
    """All texts in a message, at any depth, that the model may have written. A repeated text is included once."""
    found: set[str] = set()
    remaining: list[Any] = [message]
    while remaining:
        match remaining.pop():
            case str() as text:
                found.add(text)
            case list() as items:
                remaining += cast("list[Any]", items)
            case dict() as fields:
                remaining += [value for name, value in cast("dict[str, Any]", fields).items() if name not in _LABELS]
            case _:
                pass
    return found

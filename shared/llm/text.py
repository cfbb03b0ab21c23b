"""Reads strings and JSON as providers send them: in parts, with lone surrogates, or with values of the wrong type."""

from typing import Any, cast

MAX_DEPTH = 50
"""The maximum nesting of the details that are stored with an answer, in levels."""
_LABELS = {"role", "type", "id", "index", "format", "status", "object", "annotations", "search_results"}
"""Fields of a message whose text was not written by the model."""


def repair_text(text: str) -> str:
    """Joins the halves of surrogate pairs, and replaces lone surrogates, which UTF-8 cannot encode."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text


def repair_texts(value: Any, depth: int = MAX_DEPTH) -> Any:
    """Returns JSON with every string repaired, including field names. Values that are nested too deeply become None."""
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
    """Returns the text of a message, which is a string or a list of parts to be joined. Empty for anything else."""
    match content:
        case str():
            return content
        case list():
            parts: list[Any] = content
            return "".join(part if isinstance(part, str) else text_of(object_of(part).get("text")) for part in parts)
        case _:
            return ""


def object_of(value: Any) -> dict[str, Any]:
    """Returns `value` if it is a JSON object, otherwise an empty object."""
    return value if isinstance(value, dict) else {}


def array_of(value: Any) -> list[Any]:
    """Returns `value` if it is a JSON array, otherwise an empty list."""
    return value if isinstance(value, list) else []


def objects_of(value: Any) -> list[dict[str, Any]]:
    """Returns the objects in a JSON array. Empty for anything else."""
    return [item for item in array_of(value) if isinstance(item, dict)]


def name_of(value: Any) -> str | None:
    """Returns `value`, shortened, if it is a string such as a reason or a code. None for anything else."""
    return repair_text(value[:100]) if isinstance(value, str) and value.strip() else None


def model_texts(message: dict[str, Any]) -> set[str]:
    """Returns all strings in a message, at any depth, that the model may have written, without duplicates."""
    texts: set[str] = set()
    remaining: list[Any] = [message]
    while remaining:
        match remaining.pop():
            case str() as text:
                texts.add(text)
            case list() as items:
                remaining += cast("list[Any]", items)
            case dict() as fields:
                remaining += [value for name, value in cast("dict[str, Any]", fields).items() if name not in _LABELS]
            case _:
                pass
    return texts

"""Texts as providers send them: in parts, with halves of surrogate pairs, as numbers that are no numbers."""

from typing import Any, cast

MAX_DEPTH = 50
"""Of what is stored of an answer beside its text."""
_LABELS = {"role", "type", "id", "index", "format", "status", "object", "annotations"}
"""Fields of a message whose texts the model did not write."""


def repair_text(text: str) -> str:
    """With halves of surrogate pairs put together, and those that have no other half replaced: no UTF-8 holds them."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text


def repair_texts(value: Any, depth: int = MAX_DEPTH) -> Any:
    """JSON with every text in it made whole, names of fields included; what is nested deeper is left out."""
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
    """A message's text: a string, or the texts of a list of parts. Empty for anything else."""
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
    """A short text, such as a reason or a code; None for anything else."""
    return repair_text(value[:100]) if isinstance(value, str) and value.strip() else None


def model_texts(message: dict[str, Any]) -> set[str]:
    """All texts in a message that its model may have written, however deep, each once: some servers send one twice."""
    found: set[str] = set()
    left: list[Any] = [message]
    while left:
        match left.pop():
            case str() as text:
                found.add(text)
            case list() as items:
                left += cast("list[Any]", items)
            case dict() as fields:
                left += [value for name, value in cast("dict[str, Any]", fields).items() if name not in _LABELS]
            case _:
                pass
    return found

"""Extracts the demo, a JSON object, from a model's answer, which may put it into a fence or between sentences."""

import json
import re
from typing import Any, cast

from shared.json_errors import describe_json_error
from shared.models.demo import DemoCode

_OBJECT = re.compile(r"\{\s*\"")
_MAX_OBJECTS = 20
_MAX_CHARACTERS = 300_000
_PARTS = ("html", "css", "js")


class BadAnswer(Exception):
    """The answer contains no usable demo. `args[0]` is a message for the model."""


def read_answer(answer: str) -> DemoCode:
    """Returns the demo in an answer. Raises `BadAnswer`.

    Accepts line breaks within strings, since models write them.
    """
    decoder = json.JSONDecoder(strict=False)
    error = "It contains no JSON object."
    for number, start in enumerate(_OBJECT.finditer(answer)):
        if number == _MAX_OBJECTS:
            break
        try:
            value: Any = decoder.raw_decode(answer, start.start())[0]
        except json.JSONDecodeError as failure:
            if not number:
                error = f"It is not valid JSON: {describe_json_error(failure)}."
        except RecursionError:
            error = "It is not valid JSON: it is nested too deeply."
        except ValueError:
            error = "It is not valid JSON: a number has thousands of digits."
        else:
            if any(part in value for part in _PARTS):
                return _check_parts(value)
    raise BadAnswer(error)


def _check_parts(value: dict[str, Any]) -> DemoCode:
    """Returns the demo if all its parts are present and can be stored. Raises `BadAnswer`."""
    if missing := [part for part in _PARTS if not isinstance(value.get(part), str)]:
        raise BadAnswer(f"The JSON object lacks {', '.join(missing)}: html, css and js must each be a string.")
    parts = cast("dict[str, str]", {part: value[part] for part in _PARTS})
    if not parts["html"].strip() and not parts["js"].strip():
        raise BadAnswer("html and js are empty: the page would show nothing.")
    if (size := sum(len(part) for part in parts.values())) > _MAX_CHARACTERS:
        raise BadAnswer(f"html, css and js together have {size} characters; the limit is {_MAX_CHARACTERS}.")
    try:
        "".join(parts.values()).encode()
    except UnicodeEncodeError:
        raise BadAnswer("Its text contains half of a surrogate pair, which is not a valid character.") from None
    return DemoCode(**parts)

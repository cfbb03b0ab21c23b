"""Explains in plain words why a text is not valid JSON: the parser's own messages are for programmers."""

from json import JSONDecodeError

_WORDS = {
    "Expecting value": "a value is missing",
    "Expecting property name": "a name in double quotes is missing",
    "Expecting ':'": "a colon is missing",
    "Expecting ','": "a comma or the end is missing",
    "Illegal trailing comma": "there is a comma before the end",
    "Extra data": "something follows its end",
    "Unterminated string": "a text that begins there does not end",
    "Invalid control character": "a text contains a control character, such as a line break",
    "Invalid \\": "a backslash is not a valid escape there",
}


def describe_json_error(error: JSONDecodeError) -> str:
    """The problem and its place, such as "a value is missing, line 1, column 5"."""
    said = next((ours for theirs, ours in _WORDS.items() if error.msg.startswith(theirs)), "it cannot be read")
    return f"{said}, line {error.lineno}, column {error.colno}"

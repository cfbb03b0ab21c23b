"""Explains why a string is not valid JSON. The parser's own messages are written for programmers."""

from json import JSONDecodeError

_DESCRIPTIONS = {
    "Expecting value": "a value is missing",
    "Expecting property name": "a name in double quotes is missing",
    "Expecting ':'": "a colon is missing",
    "Expecting ','": "a comma or the end is missing",
    "Illegal trailing comma": "there is a comma before the end",
    "Extra data": "there is more text after its end",
    "Unterminated string": "a string that begins there is not closed",
    "Invalid control character": "a string contains a control character, such as a line break",
    "Invalid \\": "a backslash is not a valid escape there",
}


def describe_json_error(error: JSONDecodeError) -> str:
    """Returns the problem and its position, such as "a value is missing (line 1, column 5)"."""
    matches = (description for prefix, description in _DESCRIPTIONS.items() if error.msg.startswith(prefix))
    return f"{next(matches, 'it cannot be parsed')} (line {error.lineno}, column {error.colno})"

"""What is wrong with a text that is no JSON, in our words: the parser's own are for who programs it."""

from json import JSONDecodeError

_WORDS = {
    "Expecting value": "a value is missing",
    "Expecting property name": "a name in double quotes is missing",
    "Expecting ':'": "a colon is missing",
    "Expecting ','": "a comma or the end is missing",
    "Illegal trailing comma": "there is a comma before the end",
    "Extra data": "something follows its end",
    "Unterminated string": "a text that begins there does not end",
    "Invalid control character": "a text holds a control character, such as a line break",
    "Invalid \\": "a backslash has no meaning there",
}


def what_is_wrong(error: JSONDecodeError) -> str:
    """And where, as in "a value is missing, line 1, column 5"."""
    said = next((ours for theirs, ours in _WORDS.items() if error.msg.startswith(theirs)), "it cannot be read")
    return f"{said}, line {error.lineno}, column {error.colno}"

"""Cleans text and values of a document for one line of documentation.

The result is short, and has no invisible characters or line breaks. This does not make hostile text harmless, but
confines it to one line in a place where prose is expected.
"""

import re

_INVISIBLE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff\ud800-\udfff\U000e0000-\U000e007f]"
)
"""Control characters, lone surrogates (which cannot be encoded), direction marks, and text that only models can see."""

_TAG = re.compile(r"</?(?:p|br|a|b|i|em|strong|code|pre|ul|ol|li|div|span|h[1-6]|table|tr|td|th)(?:\s[^<>]{0,300})?/?>")
_LINK = re.compile(r"\[([^\[\]]{1,200})\]\([^()\s]{1,500}\)")


def one_line(text: str, limit: int) -> str:
    """Returns at most `limit` characters of the text, ending in "…" if it is cut. White space becomes single spaces."""
    # A text of megabytes may be referenced a thousand times, so only the part that may be shown is read.
    shown = " ".join(text[: 4 * limit + 200].split())
    shown = _INVISIBLE.sub("", shown).strip()
    if len(shown) <= limit and len(text) <= 4 * limit + 200:
        return shown
    return shown[: max(limit - 1, 0)].rstrip() + "…" if limit > 0 else ""


def prose(value: object, limit: int) -> str:
    """Returns a description on one line, without HTML tags and link targets. Empty if `value` is not a string."""
    if not isinstance(value, str) or limit <= 0:
        return ""
    text = value[: 8 * limit + 1000]
    if "<" in text:
        text = _TAG.sub(" ", text)
    if "](" in text:
        text = _LINK.sub(r"\1", text)
    return one_line(text, limit)


def literal(value: object, limit: int = 60) -> str:
    """Returns a value as in JSON. Lists and objects are abbreviated."""
    if isinstance(value, str):
        return '"' + one_line(value, limit).replace("\\", "\\\\").replace('"', '\\"') + '"'
    if isinstance(value, dict):
        return "{…}" if value else "{}"
    if isinstance(value, list):
        return "[…]" if value else "[]"
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    try:
        return one_line(str(value), limit)
    except ValueError:  # Python refuses to convert numbers with thousands of digits
        return "…"

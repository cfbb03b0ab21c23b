"""Finds the parts of a demo's HTML that will not work because of the page's policy."""

import html
import re
from collections.abc import Iterator

_MAX_PROBLEMS = 5
_TAG = re.compile(
    r"<!--.*?(?:-->|\Z)|<([a-zA-Z][^\s/>]*+)((?:[^>\"']++|\"[^\"]*+(?:\"|\Z)|'[^']*+(?:'|\Z))*+)", re.DOTALL
)
"""Matches a comment, or a tag with its attributes, without backtracking."""
_ATTRIBUTE = re.compile(r"([^\s\"'>/=]++)(?:\s*+=\s*+(?:\"([^\"]*+)\"?|'([^']*+)'?|([^\s>]++)))?+")


def find_markup_problems(markup: str) -> list[str]:
    """Returns a message for each of the first few parts that the page's policy would block. Takes linear time."""
    return list(dict.fromkeys(_find_problems(markup)))[:_MAX_PROBLEMS]


def _find_problems(markup: str) -> Iterator[str]:
    for match in _TAG.finditer(markup):
        if match[1] is None:  # a comment
            continue
        tag = match[1].lower()
        if tag == "script":
            yield "A <script> in html does not run: put all JavaScript into js, and use no libraries."
        for attribute in _ATTRIBUTE.finditer(match[2]):
            name = attribute[1].lower()
            value = html.unescape(attribute[2] or attribute[3] or attribute[4] or "")
            if name.startswith("on") and len(name) > 2:
                yield f"{name[:40]}= on <{tag[:40]}> does not run: use addEventListener in js."
            elif name == "href" and value.strip().lower().startswith("javascript:"):
                yield f"A javascript: address on <{tag[:40]}> does not run: use addEventListener in js."

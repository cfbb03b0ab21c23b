"""Writes a tree as JSON text, if it is of a sensible size: aliases share what they point to, and text does not."""

import json
from typing import cast

MAX_WRITTEN = 12_000_000
"""Characters, more or less."""


def write_json(tree: object) -> str | None:
    """Without blanks. None for what is longer than `MAX_WRITTEN`, found before it takes the memory."""
    size = 0
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, dict):
            fields = cast("dict[str, object]", node)
            size += sum(len(key) for key in fields)
            waiting.extend(fields.values())
        elif isinstance(node, list):
            waiting.extend(cast("list[object]", node))
        size += 4 + (len(node) if isinstance(node, str) else 0)
        if size > MAX_WRITTEN:
            return None
    text = json.dumps(tree, ensure_ascii=False, separators=(",", ":"))
    try:
        text.encode()
    except UnicodeEncodeError:  # half of a surrogate pair
        return json.dumps(tree, separators=(",", ":"))
    return text

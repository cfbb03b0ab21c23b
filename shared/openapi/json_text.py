"""Writes a tree as JSON text, unless it is huge: YAML aliases share their targets in memory, but not in text."""

import json
from typing import cast

MAX_WRITTEN = 12_000_000
"""Characters, approximately."""


def write_json(tree: object) -> str | None:
    """Compact JSON. None if it would be longer than `MAX_WRITTEN`, which is checked before memory is allocated."""
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
    except UnicodeEncodeError:  # a lone surrogate
        return json.dumps(tree, separators=(",", ":"))
    return text

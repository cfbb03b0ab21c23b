"""Writes a tree as JSON, up to a size limit: YAML aliases share their targets in memory, but not in the JSON."""

import json
from typing import cast

MAX_WRITTEN = 12_000_000
"""The maximum length of the JSON, in characters, approximately."""


def write_json(tree: object) -> str | None:
    """Returns compact JSON, or None if it would exceed `MAX_WRITTEN`. This is checked before memory is allocated."""
    size = 0
    pending = [tree]
    while pending:
        node = pending.pop()
        if isinstance(node, dict):
            fields = cast("dict[str, object]", node)
            size += sum(len(key) for key in fields)
            pending.extend(fields.values())
        elif isinstance(node, list):
            pending.extend(cast("list[object]", node))
        size += 4 + (len(node) if isinstance(node, str) else 0)
        if size > MAX_WRITTEN:
            return None
    text = json.dumps(tree, ensure_ascii=False, separators=(",", ":"))
    try:
        text.encode()
    except UnicodeEncodeError:  # a lone surrogate
        return json.dumps(tree, separators=(",", ":"))
    return text

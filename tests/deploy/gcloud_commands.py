"""Reads the commands and flags of the installed gcloud from its completion data."""

import importlib.util
import shutil
from functools import cache
from pathlib import Path
from typing import Any

TREE = Path("data") / "cli" / "gcloud_completions.py"


@cache
def _tree() -> dict[str, Any]:
    """Returns the command tree, or an empty one if gcloud is not installed."""
    gcloud = shutil.which("gcloud")
    file = Path(gcloud).resolve().parents[1] / TREE if gcloud else TREE
    if not file.is_file():
        return {}
    spec = importlib.util.spec_from_file_location("gcloud_completions", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    tree: dict[str, Any] = module.STATIC_COMPLETION_CLI_TREE
    return tree


def flags_of(words: list[str]) -> set[str]:
    """Returns the flags of the command with which `words` begins, including global flags, or none if it is unknown."""
    node = _tree()
    if not node or words[0] not in node["commands"]:
        return set()
    found: set[str] = set(node["flags"])
    for word in words:
        if word not in node["commands"]:
            break
        node = node["commands"][word]
        found |= set(node["flags"])
    return set() if node["commands"] else found

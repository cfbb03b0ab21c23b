"""Run once, when the snapshot is made: imports what most agents import, so that no run waits for it."""

import importlib
import sys

sys.path.insert(0, "/lib/agents")
for _name in (
    *("abc", "ast", "asyncio", "base64", "bisect", "collections.abc", "contextlib", "contextvars", "copy", "csv"),
    *("dataclasses", "datetime", "decimal", "difflib", "email.message", "enum", "fractions", "functools", "hashlib"),
    *("heapq", "html", "html.parser", "inspect", "io", "itertools", "json", "logging", "math", "operator", "pathlib"),
    *("random", "re", "statistics", "string", "struct", "textwrap", "time", "traceback", "typing", "unicodedata"),
    *("socket", "urllib.parse", "uuid", "warnings", "zlib"),
    "shared.sandbox.full.guest.main",
    "shared.sandbox.full.guest.nothing_there",
):
    importlib.import_module(_name)
sys.path.remove("/lib/agents")
sys.path_importer_cache.clear()

"""Modules whose libraries take long to import: at first use, and beside the event loop."""

import asyncio
import importlib
from types import ModuleType
from typing import Any

_imported: dict[str, ModuleType] = {}
"""Those that are complete, which `sys.modules` does not tell."""


async def imported(name: str) -> Any:
    """The module of that name."""
    if name not in _imported:
        _imported[name] = await asyncio.to_thread(importlib.import_module, name)
    return _imported[name]

"""Imports modules with slow libraries at first use, in a thread outside of the event loop."""

import asyncio
import importlib
from types import ModuleType
from typing import Any

_imported: dict[str, ModuleType] = {}
"""Completely imported modules: `sys.modules` also has those that are still being imported."""


async def import_late(name: str) -> Any:
    """The module with the name, which is imported if necessary."""
    if name not in _imported:
        _imported[name] = await asyncio.to_thread(importlib.import_module, name)
    return _imported[name]

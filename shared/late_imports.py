"""Imports modules that load slow libraries when they are first used, in a thread outside of the event loop."""

import asyncio
import importlib
from types import ModuleType
from typing import Any

_imported: dict[str, ModuleType] = {}
"""The completely imported modules: `sys.modules` also has those that are still being imported."""


async def import_late(name: str) -> Any:
    """Returns the module `name`, which is imported if necessary."""
    if name not in _imported:
        _imported[name] = await asyncio.to_thread(importlib.import_module, name)
    return _imported[name]

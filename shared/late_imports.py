"""Imports modules that load slow libraries when they are first used, in a thread outside of the event loop."""

import asyncio
import importlib
from types import ModuleType
from typing import Any

from shared import garbage_collector

_imported: dict[str, ModuleType] = {}
"""The completely imported modules: `sys.modules` also has those that are still being imported."""


async def import_late(name: str) -> Any:
    """Returns the module `name`, which is imported if necessary."""
    if name not in _imported:
        _imported[name] = await asyncio.to_thread(_import, name)
    return _imported[name]


def _import(name: str) -> ModuleType:
    with garbage_collector.paused():
        return importlib.import_module(name)

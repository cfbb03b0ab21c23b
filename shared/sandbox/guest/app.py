"""The component's entry point. Modules that are imported here are part of the snapshot, and cost a run nothing."""

import gc
import importlib
import pkgutil
import random
import sys

import wit_world  # pyright: ignore[reportMissingImports] - componentize-py generates it from `world.wit`

from shared.sandbox.guest import heap
from shared.sandbox.guest.main import Guest
from shared.sandbox.guest.warm_up import warm_up  # first, to keep everything that all runs use close together in memory

_OMITTED_MODULES = {
    *("antigravity", "this", "idlelib", "turtledemo", "turtle", "test", "ensurepip", "venv", "tkinter", "lib2to3"),
    *("pydoc_data", "curses", "webbrowser", "pdb", "cProfile", "profile", "__main__"),
}
"""Modules that open windows, are interactive, or need their own files."""
_OMITTED_SUBMODULES = {"__main__", "tests", "test", "idle_test"}


def _import_all() -> None:
    """Imports every module of the standard library in this build. The analysis refuses imports of other modules."""
    remaining = sorted(name for name in sys.stdlib_module_names if name not in _OMITTED_MODULES)
    while remaining:
        try:
            module = importlib.import_module(name := remaining.pop(0))
        except BaseException:  # noqa: S112 - without sockets, threads or processes, modules may raise anything
            continue
        for submodule in pkgutil.iter_modules(getattr(module, "__path__", None) or [], f"{name}."):
            if submodule.name.rpartition(".")[2] not in _OMITTED_SUBMODULES:
                remaining.append(submodule.name)


_import_all()
from shared.sandbox.guest import files, time_zones  # noqa: E402 - they patch the imported modules

importlib.import_module("shared.sandbox.guest.system_calls")  # after asyncio, which checks what the system offers
time_zones.take_over()
files.take_over()
warm_up()
guest = Guest(wit_world.receive, wit_world.send)
sys.path_importer_cache.clear()
_seed = random.seed


def _seed_later(*_: object) -> None:
    """Does nothing. The runtime would seed `random` before each run with ten slow calls; `Guest` needs only one."""
    random.seed = _seed


random.seed = _seed_later
gc.collect()
heap.fill_gaps()
heap.set_aside()
gc.freeze()


class WitWorld(wit_world.WitWorld):  # pyright: ignore[reportUntypedBaseClass]
    """The component's exports."""

    def run(self) -> None:
        guest.run()

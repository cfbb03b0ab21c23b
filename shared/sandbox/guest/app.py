"""The component's entry point. The modules that it imports become part of the snapshot, which costs a run nothing."""

import gc
import importlib
import pkgutil
import random
import sys

import wit_world  # pyright: ignore[reportMissingImports] - componentize-py generates it from `world.wit`

from shared.sandbox.guest import heap
from shared.sandbox.guest.main import Guest
from shared.sandbox.guest.warm_up import list_called, warm_up  # first, as objects that all runs use should be adjacent

_OMITTED_MODULES = {
    *("antigravity", "this", "idlelib", "turtledemo", "turtle", "test", "ensurepip", "venv", "tkinter", "lib2to3"),
    *("pydoc_data", "curses", "webbrowser", "pdb", "cProfile", "profile", "__main__"),
}
"""Modules that open windows, are interactive, or need files."""
_OMITTED_SUBMODULES = {"__main__", "tests", "test", "idle_test"}


def _import_all() -> None:
    """Imports every module of the standard library that this build has. The analysis refuses imports of others."""
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
from shared.sandbox.guest import files, time_zones  # noqa: E402 - these patch the imported modules

importlib.import_module("shared.sandbox.guest.system_calls")  # after asyncio, which checks the system's features
time_zones.install()
files.install()
warm_up()
called = list_called()
gc.collect()
heap.fill_gaps()
heap.gather(called)
warm_up()
guest = Guest(wit_world.receive, wit_world.send)
sys.path_importer_cache.clear()
_seed = random.seed


def _skip_first_seed(*_: object) -> None:
    """Does nothing. The runtime would seed `random` before each run with ten slow calls. `Guest` needs only one."""
    random.seed = _seed


random.seed = _skip_first_seed
gc.collect()
heap.fill_gaps()
heap.allocate_reserve()
gc.freeze()


class WitWorld(wit_world.WitWorld):  # pyright: ignore[reportUntypedBaseClass]
    """The component's exports."""

    def run(self) -> None:
        guest.run()

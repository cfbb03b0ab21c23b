"""The component's entry point. Whatever is imported here is part of the snapshot, and costs a run nothing."""

import gc
import importlib
import pkgutil
import random
import sys

import wit_world  # pyright: ignore[reportMissingImports] - componentize-py generates it from `world.wit`

from shared.sandbox.guest import heap
from shared.sandbox.guest.main import Guest
from shared.sandbox.guest.warm_up import warm_up  # first, so that what every run uses lies close together in memory

_LEFT_OUT = {
    *("antigravity", "this", "idlelib", "turtledemo", "turtle", "test", "ensurepip", "venv", "tkinter", "lib2to3"),
    *("pydoc_data", "curses", "webbrowser", "pdb", "cProfile", "profile", "__main__"),
}
"""Modules that open windows, are interactive, or need files of their own."""
_LEFT_OUT_INSIDE = {"__main__", "tests", "test", "idle_test"}


def _import_all() -> None:
    """Imports all of the standard library that this build has. The analysis refuses code that imports anything else."""
    waiting = sorted(name for name in sys.stdlib_module_names if name not in _LEFT_OUT)
    while waiting:
        try:
            module = importlib.import_module(name := waiting.pop(0))
        except BaseException:  # noqa: S112 - without sockets, threads or processes, they raise anything
            continue
        for inner in pkgutil.iter_modules(getattr(module, "__path__", None) or [], f"{name}."):
            if inner.name.rpartition(".")[2] not in _LEFT_OUT_INSIDE:
                waiting.append(inner.name)


_import_all()
from shared.sandbox.guest import files, time_zones  # noqa: E402 - they change what was imported

importlib.import_module("shared.sandbox.guest.system_calls")  # after asyncio, which checks what the system has
time_zones.take_over()
files.take_over()
warm_up()
guest = Guest(wit_world.receive, wit_world.send)
sys.path_importer_cache.clear()
_seed = random.seed


def _seed_later(*_: object) -> None:
    """Does nothing. The runtime seeds `random` before each run, by ten slow calls; `Guest` does it by one."""
    random.seed = _seed


random.seed = _seed_later
gc.collect()
heap.fill_gaps()
heap.set_aside()
gc.freeze()


class WitWorld(wit_world.WitWorld):  # pyright: ignore[reportUntypedBaseClass]
    """The world's exports."""

    def run(self) -> None:
        guest.run()

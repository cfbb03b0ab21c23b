"""Shortens the start of a process. A function's `main.py` imports this module before all others.

What each step saves is in docs/explanation/performance.md.
"""

import os

from shared import garbage_collector

_is_finished = False


def _begin_startup() -> None:
    garbage_collector.pause()
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")  # else pydantic searches all packages for plugins
    from pydantic import BaseModel

    # A model is built when it is first used, as most requests use only a few. This includes FastAPI's own models.
    BaseModel.model_config["defer_build"] = True


def finish_startup() -> None:
    """Ends the startup. A function calls this when it has imported everything; only the first call has an effect."""
    global _is_finished
    if not _is_finished:
        _is_finished = True
        garbage_collector.resume()


_begin_startup()

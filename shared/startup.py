"""Shortens the start of a process. A function's `main.py` imports this module before all others.

What each step saves is in docs/explanation/performance.md.
"""

import os
import sys
import warnings

from shared import bytecode, garbage_collector

_PYDANTIC_V1 = "pydantic.v1"
_is_finished = False


def _begin_startup() -> None:
    garbage_collector.pause()
    bytecode.install()
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")  # otherwise pydantic searches all packages for plugins
    # FastAPI imports this package to check that no route uses its models. An entry of None makes that import fail,
    # which FastAPI takes for the answer.
    sys.modules.setdefault(_PYDANTIC_V1, None)  # pyright: ignore[reportArgumentType]
    from pydantic import BaseModel

    # A model is built when it is first used, as most requests use only a few. This includes FastAPI's own models.
    BaseModel.model_config["defer_build"] = True
    # FastAPI ignores this warning about its own fields while it declares them, but they, too, are built later.
    warnings.filterwarnings("ignore", "The 'alias' attribute with value 'body' was provided to the `Field")


def finish_startup() -> None:
    """Ends the startup. A function calls this when it has imported everything; only the first call has an effect."""
    global _is_finished
    if _is_finished:
        return
    _is_finished = True
    if sys.modules.get(_PYDANTIC_V1) is None:
        sys.modules.pop(_PYDANTIC_V1, None)
    garbage_collector.resume()


_begin_startup()

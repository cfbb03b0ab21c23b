"""One client per event loop.

gRPC clients belong to the loop they are made in, and gunicorn forks after importing a function's code: so a
client is made at first use, inside the serving loop, and lives as long as that loop.
"""

import asyncio
from collections.abc import Callable, Hashable
from functools import wraps
from typing import ParamSpec, TypeVar
from weakref import WeakKeyDictionary

P = ParamSpec("P")
T = TypeVar("T")


def per_loop(make: Callable[P, T]) -> Callable[P, T]:
    """Caches what `make` returns for the running loop and for the arguments, which must be hashable."""
    made: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[Hashable, T]] = WeakKeyDictionary()

    @wraps(make)
    def cached(*args: P.args, **kwargs: P.kwargs) -> T:
        here = made.setdefault(asyncio.get_running_loop(), {})
        key: Hashable = (args, tuple(sorted(kwargs.items())))
        if key not in here:
            here[key] = make(*args, **kwargs)
        return here[key]

    return cached

"""Creates one client per event loop.

gRPC clients belong to the loop in which they are created, and gunicorn forks after importing a function's code.
Therefore a client is created at first use, in the serving loop, and exists as long as that loop.
"""

import asyncio
from collections.abc import Callable, Hashable
from functools import wraps
from typing import ParamSpec, TypeVar
from weakref import WeakKeyDictionary

P = ParamSpec("P")
T = TypeVar("T")


def per_loop(make: Callable[P, T]) -> Callable[P, T]:
    """Caches the result of `make` for the running loop and the arguments, which must be hashable."""
    caches: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[Hashable, T]] = WeakKeyDictionary()

    @wraps(make)
    def cached(*args: P.args, **kwargs: P.kwargs) -> T:
        cache = caches.setdefault(asyncio.get_running_loop(), {})
        key: Hashable = (args, tuple(sorted(kwargs.items())))
        if key not in cache:
            cache[key] = make(*args, **kwargs)
        return cache[key]

    return cached

"""Turns calls that fail into the exceptions that code inside knows."""

from __future__ import annotations

import builtins
import inspect
import json
from functools import wraps
from typing import TYPE_CHECKING, Any

from shared.sandbox.inside.calls import CallFailed
from shared.sandbox.inside.failures import call_failed

if TYPE_CHECKING:
    from collections.abc import Callable

kinds: dict[str, type[Exception]] = {}
"""Exception classes beside the built-in ones, by the name that a failure may have."""


class JSONDecodeError(json.JSONDecodeError):
    """`json`'s, with a message of its own."""

    def __init__(self, message: str) -> None:
        ValueError.__init__(self, message)
        self.msg, self.doc, self.pos, self.lineno, self.colno = message, "", 0, 1, 1


class UnicodeDecodeError(builtins.UnicodeDecodeError):  # noqa: A001 - what agents see is called so
    """Python's, with a message of its own."""

    def __init__(self, message: str) -> None:
        super().__init__("utf-8", b"", 0, 0, message)

    def __str__(self) -> str:
        return self.reason


kinds.update({kind.__name__: kind for kind in (JSONDecodeError, UnicodeDecodeError)})


def exception_of(failed: CallFailed) -> Exception:
    """What code can catch, by the kind as well as by the name."""
    kind = kinds.get(failed.name) or getattr(builtins, failed.name, failed.kind)
    return kind(failed.message)


def told(function: Callable[..., Any], name: str) -> Callable[..., Any]:
    """The function, as code knows it by `name`."""
    if inspect.iscoroutinefunction(function):

        @wraps(function)
        async def asynchronous(*args: Any, **kwargs: Any) -> Any:
            try:
                return await function(*args, **kwargs)
            except Exception as error:
                raise _told(error, name) from None

        return asynchronous

    @wraps(function)
    def synchronous(*args: Any, **kwargs: Any) -> Any:
        try:
            return function(*args, **kwargs)
        except Exception as error:
            raise _told(error, name) from None

    return synchronous


def _told(error: Exception, name: str) -> Exception:
    failed = call_failed(error, name)
    return error if failed is None else exception_of(failed)


def all_told(kind: type[Any]) -> type[Any]:
    """The class, with all that it shows told."""
    setattr(kind, "__init__", told(kind.__init__, kind.__name__))  # noqa: B010 - pyright knows better
    for name in kind.methods:
        setattr(kind, name, told(getattr(kind, name), name))
    return kind

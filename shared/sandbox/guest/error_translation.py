"""Translates failed calls into the exceptions that agent code expects."""

from __future__ import annotations

import builtins
import inspect
import json
from functools import wraps
from typing import TYPE_CHECKING, Any

from shared.sandbox.inside.calls import CallFailed
from shared.sandbox.inside.failures import to_call_failed

if TYPE_CHECKING:
    from collections.abc import Callable

kinds: dict[str, type[Exception]] = {}
"""Exception classes in addition to the built-in ones, by the names that failures use for them."""


class JSONDecodeError(json.JSONDecodeError):
    """`json.JSONDecodeError` with any message."""

    def __init__(self, message: str) -> None:
        ValueError.__init__(self, message)
        self.msg, self.doc, self.pos, self.lineno, self.colno = message, "", 0, 1, 1


class UnicodeDecodeError(builtins.UnicodeDecodeError):  # noqa: A001 - agents see this name
    """`UnicodeDecodeError` with any message."""

    def __init__(self, message: str) -> None:
        super().__init__("utf-8", b"", 0, 0, message)

    def __str__(self) -> str:
        return self.reason


class InterruptedCall(RuntimeError):
    """The outcome of a call is unknown: the run was interrupted after it had begun, and it must not be repeated."""


kinds.update({kind.__name__: kind for kind in (JSONDecodeError, UnicodeDecodeError, InterruptedCall)})


def to_exception(failed: CallFailed) -> Exception:
    """Returns an exception that code can catch by the failure's kind and by its name."""
    kind = kinds.get(failed.name) or getattr(builtins, failed.name, failed.kind)
    return kind(failed.message)


def translate_errors(function: Callable[..., Any], name: str) -> Callable[..., Any]:
    """Returns the function with translated errors. `name`: the function's name in agent code."""
    if inspect.iscoroutinefunction(function):

        @wraps(function)
        async def asynchronous(*args: Any, **kwargs: Any) -> Any:
            try:
                return await function(*args, **kwargs)
            except Exception as error:
                raise _translate(error, name) from None

        return asynchronous

    @wraps(function)
    def synchronous(*args: Any, **kwargs: Any) -> Any:
        try:
            return function(*args, **kwargs)
        except Exception as error:
            raise _translate(error, name) from None

    return synchronous


def _translate(error: Exception, name: str) -> Exception:
    failed = to_call_failed(error, name)
    return error if failed is None else to_exception(failed)


def translate_all_errors(kind: type[Any]) -> type[Any]:
    """Translates the errors of the class's constructor and of its `methods`."""
    setattr(kind, "__init__", translate_errors(kind.__init__, kind.__name__))  # noqa: B010 - pyright refuses the assignment
    for name in kind.methods:
        setattr(kind, name, translate_errors(getattr(kind, name), name))
    return kind

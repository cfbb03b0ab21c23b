"""What can be wrong with a choice of provider, model, parameter or tool, in sentences for whoever has to act.

Plain exceptions: the services decide which HTTP status each becomes. No message holds a secret or a value.
"""

from collections.abc import Iterable
from difflib import get_close_matches


class CatalogError(LookupError):
    """The base; never raised itself. `message` is for people."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class UnknownProvider(CatalogError):
    """No such provider, or (`ProviderNotConfigured`) none that can be called here."""


class ProviderNotConfigured(UnknownProvider):
    """The catalog has the provider, but this deployment lacks its key or its address."""


class UnknownModel(CatalogError):
    """The provider is there; the model is not."""


class UnpricedModel(CatalogError):
    """The model can be called, and nobody knows beforehand what a call costs."""


class InvalidParameters(CatalogError):
    """A parameter that may not be sent to the model, or a value that it does not take."""


class InvalidMessages(CatalogError):
    """A conversation that the model does not take."""


class UnknownBuiltInTool(CatalogError):
    """The model has no built-in tool of that id."""


def quote(name: str) -> str:
    """A name that a caller gave, made fit for a message: on one line, and not too long."""
    return repr(name if len(name) <= 80 else name[:77] + "...")


def alternatives(name: str, known: Iterable[str]) -> str:
    """A closing sentence that offers what `name` may have meant, or else all there is; empty if nothing is."""
    names = list(known)
    if near := find_similar(name, names):
        *others, last = near
        return f" Did you mean {', '.join(others)}{' or ' if others else ''}{last}?"
    if not names:
        return ""
    return f" There {'are' if len(names) > 1 else 'is'}: {', '.join(names)}."


def find_similar(name: str, known: Iterable[str]) -> list[str]:
    """What `name` may have meant, the likeliest first, three at most; one alone where only the case differs."""
    names = list(known)
    if same := [other for other in names if other.lower() == name.strip().lower()]:
        return same[:1]
    return get_close_matches(name.lower(), names, n=3, cutoff=0.6)

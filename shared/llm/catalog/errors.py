"""Errors in the choice of a provider, model, parameter or tool. Their messages are for the user or developer.

They are plain exceptions; the services choose the HTTP statuses. No message contains a secret or a parameter's value.
"""

from collections.abc import Iterable
from difflib import get_close_matches


class CatalogError(LookupError):
    """The base class of these errors. It is never raised itself. `message` is for users."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class UnknownProvider(CatalogError):
    """The provider does not exist, or (`ProviderNotConfigured`) cannot be called here."""


class ProviderNotConfigured(UnknownProvider):
    """The catalog has the provider, but this deployment lacks its key or its address."""


class UnknownModel(CatalogError):
    """The provider does not have the model."""


class UnpricedModel(CatalogError):
    """The model can be called, but the price of a call is not known in advance."""


class InvalidParameters(CatalogError):
    """The model does not accept a parameter or its value."""


class InvalidMessages(CatalogError):
    """The model does not accept the conversation."""


class UnknownBuiltInTool(CatalogError):
    """The model has no built-in tool with this id."""


def quote(name: str) -> str:
    """Quotes a name that a caller sent, for a message: on one line, and shortened if necessary."""
    return repr(name if len(name) <= 80 else name[:77] + "...")


def alternatives(name: str, known: Iterable[str]) -> str:
    """Returns a sentence that suggests similar names, or lists all names if none is similar. Empty without names."""
    names = list(known)
    if near := find_similar(name, names):
        *others, last = near
        return f" Did you mean {', '.join(others)}{' or ' if others else ''}{last}?"
    if not names:
        return ""
    return f" Available: {', '.join(names)}."


def find_similar(name: str, known: Iterable[str]) -> list[str]:
    """Returns at most three names similar to `name`, the most similar first.

    One that differs only in case is returned alone.
    """
    names = list(known)
    if same := [other for other in names if other.lower() == name.strip().lower()]:
        return same[:1]
    return get_close_matches(name.lower(), names, n=3, cutoff=0.6)

"""What a client prefers, in the header `Prefer` (RFC 7240). An unknown preference is ignored."""

from collections.abc import Iterable

from fastapi import Header

RESPOND_ASYNC = "respond-async"
PREFERENCE_APPLIED = "Preference-Applied"
PREFER = Header(
    alias="Prefer", description="With `respond-async`, the response is 202, and the run continues after it."
)
"""The header, for the document. A request may have several, so `parse_preferences` reads them all."""


def parse_preferences(headers: Iterable[str]) -> set[str]:
    """Returns the names of the preferences, in lower case. They may have values and parameters."""
    listed = ",".join(headers).split(",")
    return {item.partition(";")[0].partition("=")[0].strip().lower() for item in listed}

"""The errors of a route, declared where the route is: `responses=error_responses(NotFound, Conflict)`.

The statuses are those of the errors. What each answer looks like is written once, in the document's components, by
`contract`; here there are but references to it, so that declaring costs a starting function nothing.
"""

from typing import Any

from shared.models.errors import ServiceError

Answers = dict[int | str, dict[str, Any]]


def error_responses(*errors: type[ServiceError]) -> Answers:
    """For FastAPI's `responses`, of a route or a whole router. Raises `ValueError` for two of the same status."""
    declared: Answers = {error.status: {"$ref": f"#/components/responses/{error.__name__}"} for error in errors}
    if len(declared) < len(errors):
        raise ValueError("one answer for each status")
    return declared


def headers(described: dict[str, str]) -> dict[str, Any]:
    """The headers of a successful answer, each with what it says: `{200: headers({"X-Run-Id": "the run's id"})}`."""
    shown = {name: {"description": text, "schema": {"type": "string"}} for name, text in described.items()}
    return {"headers": shown}

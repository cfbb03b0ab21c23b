"""Declares a route's errors next to the route: `responses=error_responses(NotFound, Conflict)`.

The status of each response is the error's own. `contract` writes each response once, into the components of the OpenAPI
document. Routes only refer to them, so the declarations cost no start-up time.
"""

from typing import Any

from shared.models.errors import ServiceError

Responses = dict[int | str, dict[str, Any]]


def error_responses(*errors: type[ServiceError]) -> Responses:
    """Returns FastAPI's `responses` for a route or router. Raises `ValueError` for two errors with the same status."""
    declared: Responses = {error.status: {"$ref": f"#/components/responses/{error.__name__}"} for error in errors}
    if len(declared) < len(errors):
        raise ValueError("Declare only one error for each status.")
    return declared


def headers(descriptions: dict[str, str]) -> dict[str, Any]:
    """Declares a successful response's headers and their meaning: `{200: headers({"X-Run-Id": "the run's id"})}`."""
    declared = {name: {"description": text, "schema": {"type": "string"}} for name, text in descriptions.items()}
    return {"headers": declared}

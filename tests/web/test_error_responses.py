"""Tests the declaration of error responses."""

import pytest

from shared.models.errors import BadRequest, CodeFailed, Conflict, NotFound
from shared.web.error_responses import error_responses, headers


def test_a_declared_response_is_a_reference() -> None:
    """Error responses are declared as references, because building schemas would slow down the start of a function."""
    assert error_responses(NotFound, Conflict) == {
        404: {"$ref": "#/components/responses/NotFound"},
        409: {"$ref": "#/components/responses/Conflict"},
    }


def test_a_status_can_have_only_one_response() -> None:
    """Two errors with the same status are refused, because only one of them would be documented."""
    with pytest.raises(ValueError, match="one error for each status"):
        error_responses(BadRequest, CodeFailed)


def test_headers_are_documented() -> None:
    """Each header is declared as a string with a description."""
    assert headers({"X-Run-Id": "The run."}) == {
        "headers": {"X-Run-Id": {"description": "The run.", "schema": {"type": "string"}}}
    }

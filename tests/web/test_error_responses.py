"""What routes declare of their answers."""

import pytest

from shared.models.errors import BadRequest, CodeFailed, Conflict, NotFound
from shared.web.error_responses import error_responses, headers


def test_an_answer_is_a_reference_by_the_errors_status() -> None:
    """No schema is made for it, which a starting function would have to wait for."""
    assert error_responses(NotFound, Conflict) == {
        404: {"$ref": "#/components/responses/NotFound"},
        409: {"$ref": "#/components/responses/Conflict"},
    }


def test_a_status_has_one_answer() -> None:
    """Two would hide each other."""
    with pytest.raises(ValueError, match="one answer for each status"):
        error_responses(BadRequest, CodeFailed)


def test_headers_say_what_they_are() -> None:
    """As texts."""
    assert headers({"X-Run-Id": "The run."}) == {
        "headers": {"X-Run-Id": {"description": "The run.", "schema": {"type": "string"}}}
    }

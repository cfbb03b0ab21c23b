"""Pages of lists: the query takes the token of a page, and a response header has the token of the next page."""

from typing import Annotated, TypeVar

from fastapi import Query, Response

from shared.services.pagination import Page
from shared.web.error_responses import Responses, headers

T = TypeVar("T")
NEXT_PAGE_HEADER = "X-Next-Page-Token"
PageToken = Annotated[
    str | None,
    Query(alias="pageToken", max_length=5000, description=f"The `{NEXT_PAGE_HEADER}` of the previous page."),
]
LIMIT_DESCRIPTION = "The maximum number of entries. Large entries make a shorter page."
PageLimit = Annotated[int, Query(ge=1, le=1000, description=LIMIT_DESCRIPTION)]
DEFAULT_LIMIT = 500
PAGED: Responses = {200: headers({NEXT_PAGE_HEADER: "The `pageToken` of the next page. Missing on the last."})}
"""The headers of a response with a page of a list."""


def respond_with(page: Page[T], response: Response) -> list[T]:
    """Returns the response body for `page`, and sets the header for the next page on `response`."""
    if page.next_token:
        response.headers[NEXT_PAGE_HEADER] = page.next_token
    return page.items

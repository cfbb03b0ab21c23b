"""Pages of lists: a token in the query leads to a page, and a header of the answer to the next one."""

from typing import Annotated, TypeVar

from fastapi import Query, Response

from shared.services.pagination import Page
from shared.web.error_responses import Responses, headers

T = TypeVar("T")
NEXT_PAGE_HEADER = "X-Next-Page-Token"
PageToken = Annotated[
    str | None,
    Query(alias="pageToken", max_length=5000, description=f"What `{NEXT_PAGE_HEADER}` of the page before said."),
]
HOW_MANY = "At most so many. Large entries make a shorter page."
PageLimit = Annotated[int, Query(ge=1, le=1000, description=HOW_MANY)]
DEFAULT_LIMIT = 500
PAGED: Responses = {200: headers({NEXT_PAGE_HEADER: "The `pageToken` of the next page. Missing on the last."})}
"""What a page's answer has beside its entries."""


def respond_with(page: Page[T], response: Response) -> list[T]:
    """The body of the answer that shows `page`; the header for the next page is set on `response`."""
    if page.next_token:
        response.headers[NEXT_PAGE_HEADER] = page.next_token
    return page.items

"""Pages of lists: a token in the query leads to a page, and a header of the answer to the next one."""

from typing import Annotated

from fastapi import Query

from shared.web.error_responses import Answers, headers

NEXT_PAGE_HEADER = "X-Next-Page-Token"
PageToken = Annotated[
    str | None,
    Query(alias="pageToken", max_length=5000, description=f"What `{NEXT_PAGE_HEADER}` of the page before said."),
]
HOW_MANY = "At most so many. Large entries make a shorter page."
PAGED: Answers = {200: headers({NEXT_PAGE_HEADER: "The `pageToken` of the next page. Missing on the last."})}
"""What a page's answer has beside its entries."""

"""Pages of lists: a token in the query leads to a page, and a header of the answer to the next one."""

from typing import Annotated

from fastapi import Query

NEXT_PAGE_HEADER = "X-Next-Page-Token"
PageToken = Annotated[str | None, Query(alias="pageToken", max_length=5000)]

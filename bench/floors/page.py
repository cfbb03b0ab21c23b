"""Makes the query of a list, one page of a user's own and shared documents, and responds with their fields.

The path is `/{collection}/{field to sort by, or "id"}/{limit}`.
"""

import os
from functools import cache

from functions_framework import aio
from google.cloud.firestore import AsyncClient, Query
from google.cloud.firestore_v1.base_query import FieldFilter, Or
from starlette.requests import Request
from starlette.responses import Response


@cache
def _client() -> AsyncClient:
    return AsyncClient(project=os.environ["GOOGLE_CLOUD_PROJECT"])


@aio.http
async def floor(request: Request) -> Response:
    """The entry point."""
    _, collection, field, limit = request.url.path.split("/")
    query = _client().collection(collection)
    query = query.order_by("__name__") if field == "id" else query.order_by(field, direction=Query.DESCENDING)
    if collection != "users":
        seen = Or([FieldFilter("owner", "==", "local-dev-user"), FieldFilter("visibility", "==", "shared")])
        query = query.where(filter=seen)
    snapshots = await query.limit(int(limit)).get()
    return Response(str([snapshot.to_dict() for snapshot in snapshots]))

"""Makes the two reads of `GET /users/me`, the account and its newest usage entries, and responds with the profile."""

import asyncio
import os
from functools import cache

from functions_framework import aio
from google.cloud.firestore import AsyncClient, Query
from google.cloud.firestore_v1.base_query import FieldFilter
from starlette.requests import Request
from starlette.responses import JSONResponse


@cache
def _client() -> AsyncClient:
    return AsyncClient(project=os.environ["GOOGLE_CLOUD_PROJECT"])


@aio.http
async def floor(_request: Request) -> JSONResponse:
    """The entry point."""
    account = _client().collection("floors").document("me")
    entries = (
        account.collection("usage")
        .where(filter=FieldFilter("period", "==", 1))
        .order_by("timestamp", direction=Query.DESCENDING)
        .limit(100)
    )
    snapshot, newest = await asyncio.gather(account.get(), entries.get())
    return JSONResponse({**(snapshot.to_dict() or {}), "entries": [entry.to_dict() for entry in newest]})

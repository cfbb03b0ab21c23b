"""Reads one document, `floors/{last segment of the path}`, and responds with its fields."""

import os
from functools import cache

from functions_framework import aio
from google.cloud.firestore import AsyncClient
from starlette.requests import Request
from starlette.responses import JSONResponse


@cache
def _client() -> AsyncClient:
    return AsyncClient(project=os.environ["GOOGLE_CLOUD_PROJECT"])


@aio.http
async def floor(request: Request) -> JSONResponse:
    """The entry point."""
    name = request.url.path.rpartition("/")[2] or "none"
    snapshot = await _client().collection("floors").document(name).get()
    return JSONResponse(snapshot.to_dict())

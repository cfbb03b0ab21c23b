"""Responds like `GET /health`, and does nothing else."""

from functions_framework import aio
from starlette.requests import Request
from starlette.responses import JSONResponse


@aio.http
async def floor(_request: Request) -> JSONResponse:
    """The entry point."""
    return JSONResponse({"status": "healthy", "service": "user-service"})

"""Calls a model once through litellm, which is imported when the process starts."""

import os
from typing import Any

os.environ |= {"LITELLM_LOCAL_MODEL_COST_MAP": "True", "LITELLM_MODE": "PRODUCTION"}

import litellm
from functions_framework import aio
from starlette.requests import Request
from starlette.responses import JSONResponse


@aio.http
async def floor(_request: Request) -> JSONResponse:
    """The entry point."""
    response: Any = await litellm.acompletion(
        "openai/gpt-4.1-mini",
        [{"role": "user", "content": "hi"}],
        api_key="sk-bench",
        base_url=os.environ["OPENAI_BASE_URL"],
    )
    return JSONResponse({"content": response.choices[0].message.content})

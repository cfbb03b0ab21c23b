"""A double of a model provider that bills each prompt and each answer at one token per four bytes.

Its answers are as long as allowed, which is the most expensive case. The beginning of the last message selects what
goes wrong: "half a stream", "broken off", "no usage", or "slow", whose response waits for `slow_may_end`.
"""

import asyncio
import json
import math
import threading
from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from shared.models.catalog import Prices
from tests.doubles.served import ThreadedServer

BYTES_PER_TOKEN = 4
TOKENS_PER_SEARCH = 10_000
SEARCH_FEE = Decimal("0.01")
"""The price of a web search in US dollars: https://platform.openai.com/docs/pricing"""


class BillingServer(ThreadedServer):
    """The server, with OpenAI's two APIs. `bill`: the exact total in US dollars. `max_output_tokens`: the default
    limit."""

    def __init__(self, prices: Prices, max_output_tokens: int) -> None:
        self.prices = prices
        self.max_output_tokens = max_output_tokens
        self.bill = Decimal(0)
        self.requests = 0
        self.slow_may_end = threading.Event()
        routes = [
            Route("/v1/chat/completions", self._chat, methods=["POST"]),
            Route("/v1/responses", self._responses, methods=["POST"]),
        ]
        super().__init__(Starlette(routes=routes))

    @property
    def base_url(self) -> str:
        return f"{self.address}/v1"

    def _charge(self, prompt_tokens: int, answer_tokens: int, searches: int = 0) -> None:
        self.requests += 1
        tokens = prompt_tokens * Decimal(repr(self.prices.input)) + answer_tokens * Decimal(repr(self.prices.output))
        self.bill += tokens / 1_000_000 + searches * SEARCH_FEE

    async def _chat(self, request: Request) -> Response:
        raw = await request.body()
        body: dict[str, Any] = json.loads(raw)
        prompt_tokens = math.ceil(len(raw) / BYTES_PER_TOKEN)
        max_tokens = body.get("max_completion_tokens") or body.get("max_tokens") or self.max_output_tokens
        prompt_text = body["messages"][-1]["content"]
        if prompt_text.startswith("half a stream"):
            answer_tokens = max(1, max_tokens // 2)
            self._charge(prompt_tokens, answer_tokens)
            return StreamingResponse(_half_a_stream(answer_tokens), media_type="text/event-stream")
        self._charge(prompt_tokens, max_tokens)
        if prompt_text.startswith("broken off"):
            return StreamingResponse(
                _broken_response(), media_type="application/json", headers={"Content-Length": "1000"}
            )
        if prompt_text.startswith("slow"):
            await asyncio.to_thread(self.slow_may_end.wait, 60)
        usage = {
            "prompt_tokens": prompt_tokens,
            "completion_tokens": max_tokens,
            "total_tokens": prompt_tokens + max_tokens,
        }
        message = {"role": "assistant", "content": "four" * max_tokens}
        choice = {"index": 0, "message": message, "finish_reason": "length"}
        response = {"id": "1", "object": "chat.completion", "created": 1, "model": body["model"], "choices": [choice]}
        return JSONResponse(response if prompt_text.startswith("no usage") else {**response, "usage": usage})

    async def _responses(self, request: Request) -> Response:
        """Searches as often as allowed. After each search, bills the prompt again, together with all results so
        far."""
        raw = await request.body()
        body: dict[str, Any] = json.loads(raw)
        searches = body.get("max_tool_calls") or 100
        result_tokens = TOKENS_PER_SEARCH * searches * (searches + 1) // 2
        prompt_tokens = (1 + searches) * math.ceil(len(raw) / BYTES_PER_TOKEN) + result_tokens
        max_tokens = body.get("max_output_tokens") or self.max_output_tokens
        self._charge(prompt_tokens, max_tokens, searches)
        calls = [
            {
                "type": "web_search_call",
                "id": f"ws_{number}",
                "status": "completed",
                "action": {"type": "search", "query": "q"},
            }
            for number in range(searches)
        ]
        text = {"type": "output_text", "text": "four" * max_tokens, "annotations": []}
        message = {"type": "message", "id": "m", "status": "completed", "role": "assistant", "content": [text]}
        response = {
            "id": "resp_1",
            "object": "response",
            "created_at": 1,
            "status": "completed",
            "model": body["model"],
        }
        usage = {"input_tokens": prompt_tokens, "output_tokens": max_tokens, "total_tokens": prompt_tokens + max_tokens}
        other_fields = {"parallel_tool_calls": True, "tools": [], "tool_choice": "auto", "metadata": {}, "error": None}
        return JSONResponse({**response, **other_fields, "output": [*calls, message], "usage": usage})


async def _broken_response() -> AsyncIterator[bytes]:
    """Closes the connection before the first byte of the response."""
    yield b""
    await asyncio.sleep(0.02)
    raise ConnectionResetError


async def _half_a_stream(tokens: int) -> AsyncIterator[bytes]:
    """Sends `tokens` tokens of an answer, and then closes the connection."""
    for position in range(0, tokens, 100):
        delta = {"role": "assistant", "content": "four" * min(100, tokens - position)}
        choice = {"index": 0, "delta": delta, "finish_reason": None}
        chunk = {"id": "1", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]}
        yield f"data: {json.dumps(chunk)}\n\n".encode()
    await asyncio.sleep(0.05)
    raise ConnectionResetError

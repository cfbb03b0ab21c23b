"""What a call may cost at most, before it is made."""

import math

from shared.llm.catalog import ModelRoute
from shared.models.chat import ChatRequest
from shared.models.money import to_micros

_BYTES_PER_TOKEN = 2
"""Tokenizers take about 4 bytes of English to a token, and about 2 of the scripts that they know least."""
_TOKENS_PER_MESSAGE = 16
_UNKNOWN_ANSWER_TOKENS = 16_384
"""The longest answer of a model whose limit is not known, from a caller who set none."""


def highest_cost(route: ModelRoute, request: ChatRequest) -> int | None:
    """Millionths of a dollar: the prompt's tokens, and the longest answer that caller or model allow, at its prices.

    0 for a free provider; None when the price is unknown.
    """
    if not route.charged:
        return 0
    prices = route.info.prices
    if prices is None:
        return None
    texts = (message.content for message in request.messages)
    prompt = sum(math.ceil(len(text.encode()) / _BYTES_PER_TOKEN) + _TOKENS_PER_MESSAGE for text in texts)
    dollars = (prompt * prices.input + _longest_answer(route, request) * prices.output) / 1_000_000
    return max(1, to_micros(dollars))


def _longest_answer(route: ModelRoute, request: ChatRequest) -> int:
    """In tokens."""
    asked = request.parameters.get("max_completion_tokens") or request.parameters.get("max_tokens")
    if isinstance(asked, int | float):
        return math.ceil(asked)
    return route.info.max_output_tokens or _UNKNOWN_ANSWER_TOKENS

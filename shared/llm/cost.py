"""What an answer cost."""

from collections.abc import Iterator
from typing import Any

from shared.llm.catalog import ModelRoute
from shared.llm.engine import litellm
from shared.log import get_logger

_log = get_logger("llm")


def cost_of(route: ModelRoute, answer: Any) -> float:
    """US dollars: what the provider says, else litellm's reckoning, else the catalog's prices for the tokens.

    Nothing for a free provider; nothing either, and a line in the log, for a model whose price nobody knows.
    """
    if not route.charged:
        return 0.0
    for cost in _candidates(route, answer):
        if cost > 0:
            return cost
    if route.info.prices is None:
        _log.error("Price unknown: nothing is charged", extra={"fields": {"model": route.name}})
    return 0.0


def _candidates(route: ModelRoute, answer: Any) -> Iterator[float]:
    told = getattr(answer.usage, "cost", None)
    if isinstance(told, int | float):
        yield float(told)
    try:
        yield float(litellm.completion_cost(answer, model=route.litellm_model))
    except Exception:  # litellm raises a plain Exception for a model that it has no price of
        _log.info("litellm has no price", extra={"fields": {"model": route.name}})
    if prices := route.info.prices:
        prompt, completion = answer.usage.prompt_tokens or 0, answer.usage.completion_tokens or 0
        yield (prompt * prices.input + completion * prices.output) / 1_000_000

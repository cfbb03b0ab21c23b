"""Counts the tokens of a call: the provider's counts, or estimates based on the bytes sent and received."""

import math
from dataclasses import dataclass, replace
from typing import Any

from shared.llm.answer import Answer, Tokens, parse_count
from shared.llm.exchange import Exchange, parse_request
from shared.llm.text import object_of
from shared.llm.token_bound import BYTES_PER_TOKEN
from shared.models.chat import Usage

_LIMITS = ("max_completion_tokens", "max_tokens", "max_output_tokens", "maxOutputTokens", "maxTokens", "num_predict")
_LIMIT_PARENTS = ("generationConfig", "inferenceConfig", "options")
"""The objects in which some providers expect the limit, instead of at the top level of the request."""


@dataclass(frozen=True)
class TokenCount:
    """The tokens of a call. `estimated`: whether any of them are estimated because the provider did not count them."""

    tokens: Tokens
    estimated: bool

    @property
    def usage(self) -> Usage:
        """The usage as results show it."""
        prompt, completion = self.tokens.prompt or 0, self.tokens.completion or 0
        cached = min(self.tokens.cached, prompt)
        return Usage(
            prompt_tokens=prompt,
            completion_tokens=completion,
            total_tokens=prompt + completion,
            estimated=self.estimated,
            cached=cached,
            cache_write=min(self.tokens.cache_write, prompt - cached),
            reasoning=min(self.tokens.reasoning, completion),
        )


def count_tokens(answer: Answer, exchange: Exchange, model_limit: int | None) -> TokenCount:
    """Returns the tokens of a complete answer.

    A count of 0 is treated as missing. The tokens of text after a stream's last count are estimated. `model_limit`: the
    model's limit, which applies if the request sets none.
    """
    reported = answer.tokens
    prompt = reported.prompt or _estimate_prompt(exchange)
    uncounted = _estimate_uncounted(answer, exchange, output_limit(exchange.request) or model_limit)
    completion = _count_completion(reported) + uncounted
    return TokenCount(replace(reported, prompt=prompt, completion=completion), not reported.prompt or uncounted > 0)


def count_stream(answer: Answer, exchange: Exchange, model_limit: int | None, *, may_hide_thoughts: bool) -> TokenCount:
    """Returns the tokens of the part of a stream that arrived.

    Hidden thoughts are billed, but counted only at the end. Without that count, they may have used up the whole limit.
    If the stream did not end, the result is at least the estimate for its text, and at most the limit, which is what
    the hold covers.
    """
    longest = output_limit(exchange.request) or model_limit
    counted, stream = count_tokens(answer, exchange, model_limit), exchange.stream
    if stream is not None and not (stream.is_complete or stream.has_ended):  # an early count may cover only a part
        counted = _raise_to(counted, _estimate_texts(answer, exchange, longest))
    if stream is not None and not stream.is_complete and longest is not None:
        counted = _lower_to(counted, max(longest, _count_completion(answer.tokens)))
    settled = (
        stream is not None
        and (stream.has_final_usage or stream.counts_thoughts)
        and not _estimate_uncounted(answer, exchange, longest)
    )
    if not may_hide_thoughts or longest is None or (settled and answer.tokens.completion):
        return counted
    return _raise_to(counted, longest)


def count_unread(exchange: Exchange, model_limit: int | None) -> TokenCount:
    """Returns the tokens of an unreadable answer, estimated from its bytes, up to the limit.

    The limit of the request applies, or `model_limit` if it has none.
    """
    longest = output_limit(exchange.request) or model_limit
    completion = _estimate_tokens(exchange.received)
    return _estimate(exchange, completion if longest is None else min(completion, longest))


def count_lost(exchange: Exchange, model_limit: int | None) -> TokenCount:
    """Returns the tokens of a lost answer: the limit of the request, or `model_limit` if it has none.

    Without any limit, they are estimated from the bytes that arrived.
    """
    longest = output_limit(exchange.request) or model_limit
    return _estimate(exchange, _estimate_tokens(exchange.received) if longest is None else longest)


def estimate_all(answer: Answer, exchange: Exchange) -> TokenCount:
    """Returns the tokens as if the provider had not counted them."""
    return _estimate(exchange, _estimate_tokens(answer.text_bytes))


def output_limit(request: bytes | None) -> int | None:
    """Returns the request's limit for all choices together, in tokens, or None if the request sets none."""
    body = parse_request(request)
    for fields in (body, *(object_of(body.get(name)) for name in _LIMIT_PARENTS)):
        for name in _LIMITS:
            if limit := parse_count(fields.get(name)):
                return limit * _count_choices(body)
    return None


def _estimate_uncounted(answer: Answer, exchange: Exchange, longest: int | None) -> int:
    """Returns an estimate of the tokens that the provider did not count, including unreadable parts of a stream."""
    stream, counted = exchange.stream, answer.tokens.completion
    if not counted:
        return _estimate_texts(answer, exchange, longest)
    return 0 if stream is None else _estimate_within(stream.uncounted_bytes, stream.extra_bytes, longest, counted)


def _estimate_texts(answer: Answer, exchange: Exchange, longest: int | None) -> int:
    """Returns an estimate of the tokens of all texts and unreadable parts."""
    extra = answer.extra_bytes
    if (stream := exchange.stream) is not None:
        doubtful = extra + stream.extra_bytes + stream.unread_bytes
        return _estimate_within(answer.text_bytes + extra + stream.unread_bytes, doubtful, longest)
    return _estimate_within(answer.text_bytes + extra, extra, longest)


def _estimate_within(size: int, doubtful: int, longest: int | None, counted: int = 0) -> int:
    """Returns an estimate of the tokens in `size` bytes.

    The `doubtful` bytes, which may not be the model's text, cannot raise the estimate above the limit.
    """
    estimated = _estimate_tokens(size)
    if longest is None:
        return estimated
    return min(estimated, max(longest - counted, _estimate_tokens(max(0, size - doubtful))))


def _count_completion(reported: Tokens) -> int:
    """Returns the tokens of the answer that the provider counted."""
    return (reported.completion or 0) + _count_extra(reported)


def _count_extra(reported: Tokens) -> int:
    """Returns the tokens that only the total includes, such as thoughts of xAI's models.

    The same applies to thoughts of Gemini's models in OpenAI's interface.
    """
    if not (reported.prompt and reported.completion and reported.total):
        return 0
    return max(0, reported.total - reported.prompt - reported.completion - reported.citation)


def _raise_to(counted: TokenCount, completion: int) -> TokenCount:
    if completion <= (counted.tokens.completion or 0):
        return counted
    return TokenCount(replace(counted.tokens, completion=completion), estimated=True)


def _lower_to(counted: TokenCount, completion: int) -> TokenCount:
    if completion >= (counted.tokens.completion or 0):
        return counted
    return TokenCount(replace(counted.tokens, completion=completion), estimated=True)


def _count_choices(body: dict[str, Any]) -> int:
    return parse_count(body.get("n")) or 1


def _estimate(exchange: Exchange, completion: int) -> TokenCount:
    prompt = _estimate_prompt(exchange)
    return TokenCount(Tokens(prompt=prompt, completion=completion), estimated=True)


def _estimate_prompt(exchange: Exchange) -> int:
    """Returns an estimate of the tokens of the request. An image counts as the most tokens that the model makes of one.

    The base64 of an image is the same in every provider's form of a request.
    """
    if exchange.request is None:
        return 0
    return _estimate_tokens(max(0, len(exchange.request) - exchange.images.size)) + exchange.images.tokens


def _estimate_tokens(size: int) -> int:
    return math.ceil(size / BYTES_PER_TOKEN)

"""How many tokens a call took: as the provider counted them, else estimated from what it was sent and what it sent."""

import math
from dataclasses import dataclass, replace
from typing import Any

from shared.llm.answer import Answer, Tokens, parse_count
from shared.llm.exchange import Exchange, parse_request
from shared.llm.text import object_of
from shared.llm.token_bound import BYTES_PER_TOKEN
from shared.models.chat import Usage

_LIMITS = ("max_completion_tokens", "max_tokens", "max_output_tokens", "maxOutputTokens", "maxTokens", "num_predict")
_AROUND_LIMITS = ("generationConfig", "inferenceConfig", "options")
"""Where providers take a limit that they do not take at the top of the request."""


@dataclass(frozen=True)
class Counted:
    """Tokens of a call; `estimated` as far as the provider did not say."""

    tokens: Tokens
    estimated: bool

    @property
    def usage(self) -> Usage:
        """As answers show it."""
        prompt, completion = self.tokens.prompt or 0, self.tokens.completion or 0
        return Usage(
            prompt_tokens=prompt,
            completion_tokens=completion,
            total_tokens=prompt + completion,
            estimated=self.estimated,
        )


def count_tokens(answer: Answer, exchange: Exchange, longest_of_model: int | None) -> Counted:
    """Of a whole answer. What is counted as no tokens was not counted; of a stream, what came after the last count.

    `longest_of_model`: what the request allowed where it set no limit.
    """
    said = answer.tokens
    prompt = said.prompt or _estimate_tokens(len(exchange.request or b""))
    uncounted = _estimate_uncounted(answer, exchange, output_limit(exchange.request) or longest_of_model)
    completion = _count_completion(said) + uncounted
    return Counted(replace(said, prompt=prompt, completion=completion), not said.prompt or uncounted > 0)


def count_stream(answer: Answer, exchange: Exchange, longest_of_model: int | None, *, thinks_unseen: bool) -> Counted:
    """Of as much of a stream as came.

    What a model thinks out of sight is billed, and counted only at the end: without that count, it may have been all
    that was allowed. Of a stream that did not end, no count makes less of what it said than that is estimated at; and
    no estimate makes more of it than was allowed, which is what is held for it.
    """
    longest = output_limit(exchange.request) or longest_of_model
    counted, stream = count_tokens(answer, exchange, longest_of_model), exchange.stream
    if stream is not None and not (stream.whole or stream.ended):  # a count on the way may be of a part
        counted = _raise_to(counted, _estimate_said(answer, exchange, longest))
    if stream is not None and not stream.whole and longest is not None:
        counted = _lower_to(counted, max(longest, _count_completion(answer.tokens)))
    settled = stream is not None and stream.counted_whole and not _estimate_uncounted(answer, exchange, longest)
    if not thinks_unseen or longest is None or (settled and answer.tokens.completion):
        return counted
    return _raise_to(counted, longest)


def count_unread(exchange: Exchange, longest_of_model: int | None) -> Counted:
    """Of an answer that cannot be read, by all that came of it; at most the longest that had been allowed.

    Where the request set no limit, `longest_of_model` is one.
    """
    longest = output_limit(exchange.request) or longest_of_model
    completion = _estimate_tokens(exchange.received)
    return _estimate(exchange, completion if longest is None else min(completion, longest))


def count_lost(exchange: Exchange, longest_of_model: int | None) -> Counted:
    """Of an answer that was lost on its way: the longest that had been allowed.

    Where the request set no limit, `longest_of_model` is one. It counts as what came only where that is not known.
    """
    longest = output_limit(exchange.request) or longest_of_model
    return _estimate(exchange, _estimate_tokens(exchange.received) if longest is None else longest)


def estimate_all(answer: Answer, exchange: Exchange) -> Counted:
    """As if the provider had not counted."""
    return _estimate(exchange, _estimate_tokens(answer.spoken))


def output_limit(request: bytes | None) -> int | None:
    """The longest answer, in tokens, that a request allowed, all choices together; None where it set no limit."""
    body = parse_request(request)
    for fields in (body, *(object_of(body.get(name)) for name in _AROUND_LIMITS)):
        for name in _LIMITS:
            if limit := parse_count(fields.get(name)):
                return limit * _count_choices(body)
    return None


def _estimate_uncounted(answer: Answer, exchange: Exchange, longest: int | None) -> int:
    """Tokens of the answer that the provider did not count, and of what cannot be read of a stream."""
    stream, counted = exchange.stream, answer.tokens.completion
    if not counted:
        return _estimate_said(answer, exchange, longest)
    return 0 if stream is None else _estimate_within(stream.uncounted, stream.beside, longest, counted)


def _estimate_said(answer: Answer, exchange: Exchange, longest: int | None) -> int:
    """Tokens of all texts, as they are estimated, and of what cannot be read."""
    unread = answer.beside
    if (stream := exchange.stream) is not None:
        return _estimate_within(answer.spoken + unread + stream.unread, unread + stream.beside + stream.unread, longest)
    return _estimate_within(answer.spoken + unread, unread, longest)


def _estimate_within(size: int, doubtful: int, longest: int | None, counted: int = 0) -> int:
    """Tokens of so many bytes. Those that may be no text of the answer make no more of it than was allowed."""
    estimated = _estimate_tokens(size)
    if longest is None:
        return estimated
    return min(estimated, max(longest - counted, _estimate_tokens(max(0, size - doubtful))))


def _count_completion(said: Tokens) -> int:
    """Tokens of the answer, as far as the provider counted them."""
    return (said.completion or 0) + _count_beside(said)


def _count_beside(said: Tokens) -> int:
    """Tokens that are in the total alone: what xAI's models think, and Gemini's in OpenAI's form, beside the answer."""
    if not (said.prompt and said.completion and said.total):
        return 0
    return max(0, said.total - said.prompt - said.completion - said.citation)


def _raise_to(counted: Counted, completion: int) -> Counted:
    if completion <= (counted.tokens.completion or 0):
        return counted
    return Counted(replace(counted.tokens, completion=completion), estimated=True)


def _lower_to(counted: Counted, completion: int) -> Counted:
    if completion >= (counted.tokens.completion or 0):
        return counted
    return Counted(replace(counted.tokens, completion=completion), estimated=True)


def _count_choices(body: dict[str, Any]) -> int:
    return parse_count(body.get("n")) or 1


def _estimate(exchange: Exchange, completion: int) -> Counted:
    prompt = _estimate_tokens(len(exchange.request or b""))
    return Counted(Tokens(prompt=prompt, completion=completion), estimated=True)


def _estimate_tokens(size: int) -> int:
    return math.ceil(size / BYTES_PER_TOKEN)

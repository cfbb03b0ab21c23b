"""A model's answer in one shape for all interfaces: texts, stop reason, token counts and tool uses."""

import math
from dataclasses import dataclass, field
from typing import Any

from shared.llm.text import object_of, repair_text, repair_texts
from shared.numbers import is_finite_number

MAX_TOKENS = 20_000_000
"""The highest credible token count: ten times the longest context of any model.

A provider that reports more tokens counts something else.
"""


@dataclass
class Tokens:
    """The provider's token counts; None for a missing count. `prompt` and `completion` include all other counts.

    `cached` and `cache_write`: prompt tokens that the provider read from its cache, and those that it wrote there.
    `reasoning`: completion tokens of the model's thoughts. `citation`: tokens of the sources that the model read, if
    the provider counts them separately.
    """

    prompt: int | None = None
    completion: int | None = None
    total: int | None = None
    cached: int = 0
    cache_write: int = 0
    reasoning: int = 0
    citation: int = 0

    @property
    def is_absurd(self) -> bool:
        """Whether any count is impossibly high."""
        counts = (self.prompt or 0, self.completion or 0, self.cached, self.reasoning, self.citation)
        return max(*counts, (self.total or 0) - sum(counts[:2])) > MAX_TOKENS


@dataclass(frozen=True)
class Fault:
    """An error that a provider reports instead of an answer, or within one."""

    message: str = ""
    code: str | None = None
    status: int | None = None


@dataclass
class Answer:
    """An answer. `stop` and `native_stop`: the stop reason as the interface and as the model's own provider name it.

    `extra_bytes`: the size of possible model text in fields that are not read. `citations`: in the shape described in
    `shared.llm.citations`. `uses`: billed uses of built-in tools, by id; a missing tool in `countable` was not used.
    `hides_uses`: whether other missing tools may have been used up to their limit; otherwise they count as used once.
    `searches`: searches that are billed with the request itself. `cost`: US dollars, if the provider reports it.
    """

    content: str = ""
    refusal: str = ""
    stop: str | None = None
    native_stop: str | None = None
    fault: Fault | None = None
    reasoning: str = ""
    thinking_blocks: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    tool_calls: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    built_in_tools: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    citations: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    tokens: Tokens = field(default_factory=Tokens)
    cost: float | None = None
    uses: dict[str, int] = field(default_factory=dict[str, int])
    countable: frozenset[str] = frozenset()
    searches: int | None = None
    hides_uses: bool = False
    more_text_bytes: int = 0
    extra_bytes: int = 0

    @property
    def text_bytes(self) -> int:
        """The size in bytes of all text by the model: content, refusal, reasoning, call arguments, and unread text."""
        texts = [self.content, self.refusal, self.reasoning]
        texts += [str(object_of(call.get("function")).get("arguments") or "") for call in self.tool_calls]
        return sum(len(repair_text(text).encode()) for text in texts) + self.more_text_bytes

    @property
    def is_empty(self) -> bool:
        """Whether there is neither text nor a tool call."""
        return not (self.content or self.refusal or self.tool_calls)

    @property
    def is_blank(self) -> bool:
        """Whether the answer shows no work of the model or a tool: no text, thoughts, tool uses, tokens or cost."""
        has_output = self.text_bytes or self.built_in_tools or self.thinking_blocks
        return not (has_output or self.tokens.prompt or self.tokens.completion or self.cost)

    def make_whole(self) -> "Answer":
        """Makes every text encodable in UTF-8. Returns the same object."""
        for name in ("content", "refusal", "reasoning", "thinking_blocks", "tool_calls", "built_in_tools", "citations"):
            setattr(self, name, repair_texts(getattr(self, name)))
        return self


def parse_count(value: Any) -> int | None:
    """Returns `value` as a number of tokens or uses, rounded up, or None if it is not a valid count."""
    return math.ceil(value) if is_finite_number(value) and value >= 0 else None


def parse_dollars(value: Any) -> float | None:
    """Returns `value` as an amount of money, or None if it is not a valid amount."""
    if not is_finite_number(value) or value < 0:
        return None
    try:
        return float(value)
    except OverflowError:
        return None


def tool_call(id_: Any, name: Any, arguments: str) -> dict[str, Any]:
    """Returns a tool call that is left to the caller, in the form of OpenAI's chat interface."""
    return {"id": id_, "type": "function", "function": {"name": name, "arguments": arguments}}

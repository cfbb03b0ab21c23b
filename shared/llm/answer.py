"""A provider's answer, whichever interface it came through: what it said, why it ended, what it counted and used."""

import math
from dataclasses import dataclass, field
from typing import Any

from shared.llm.text import object_of, repair_text, repair_texts
from shared.numbers import is_finite_number

MAX_TOKENS = 20_000_000
"""Ten times the longest context that any model has. A provider that counts more counts something else."""


@dataclass
class Tokens:
    """As the provider counted them; None where it did not. `prompt` and `completion` include the rest.

    `cached` and `cache_write`: of the prompt, what the provider had kept and what it keeps. `reasoning`: of the
    answer, what the model thought. `citation`: of sources that it read, where those are counted on their own.
    """

    prompt: int | None = None
    completion: int | None = None
    total: int | None = None
    cached: int = 0
    cache_write: int = 0
    reasoning: int = 0
    citation: int = 0

    @property
    def absurd(self) -> bool:
        """Whether any of them is more than there can be."""
        counts = (self.prompt or 0, self.completion or 0, self.cached, self.reasoning, self.citation)
        return max(*counts, (self.total or 0) - sum(counts[:2])) > MAX_TOKENS


@dataclass(frozen=True)
class Fault:
    """An error that a provider reports in place of an answer, or in the middle of one."""

    message: str = ""
    code: str | None = None
    status: int | None = None


@dataclass
class Answer:
    """`stop` and `native_stop`: why it ended, in the interface's words and in those of the model's own provider.

    `spoken`: all text that the model wrote, whoever it was for, in bytes. `beside`: bytes of what may be such text, in
    fields that are not read. `citations`: see `citations`. `uses`: of
    built-in tools, by id, as they are billed; of those in `countable` a missing one was not used.
    `hides_uses`: the others that are missing may be as many as there can be; else they are taken to be one.
    `searches`: those that are billed with the request itself. `cost`: US dollars, if the provider says so.
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
    more_spoken: int = 0
    beside: int = 0

    @property
    def spoken(self) -> int:
        """Bytes that the model has written: content, refusal, reasoning, arguments of calls, and what was cut off."""
        texts = [self.content, self.refusal, self.reasoning]
        texts += [str(object_of(call.get("function")).get("arguments") or "") for call in self.tool_calls]
        return sum(len(repair_text(text).encode()) for text in texts) + self.more_spoken

    @property
    def empty(self) -> bool:
        """Whether there is neither text nor a tool call."""
        return not (self.content or self.refusal or self.tool_calls)

    @property
    def never_began(self) -> bool:
        """Whether nothing shows that the model, or a tool, did anything: nothing said or thought, used or counted."""
        told = self.spoken or self.built_in_tools or self.thinking_blocks
        return not (told or self.tokens.prompt or self.tokens.completion or self.cost)

    def make_whole(self) -> "Answer":
        """With every text as UTF-8 can hold it."""
        for name in ("content", "refusal", "reasoning", "thinking_blocks", "tool_calls", "built_in_tools", "citations"):
            setattr(self, name, repair_texts(getattr(self, name)))
        return self


def parse_count(value: Any) -> int | None:
    """A number of tokens or of uses, rounded up; None for what is no such number."""
    return math.ceil(value) if is_finite_number(value) and value >= 0 else None


def parse_dollars(value: Any) -> float | None:
    """An amount of money; None for what is none."""
    if not is_finite_number(value) or value < 0:
        return None
    try:
        return float(value)
    except OverflowError:
        return None


def tool_call(id_: Any, name: Any, arguments: str) -> dict[str, Any]:
    """A call of a tool that the caller would have to make, in the form of OpenAI's chat interface."""
    return {"id": id_, "type": "function", "function": {"name": name, "arguments": arguments}}

"""Parts: what a model has said so far, in numbered pieces, which exist before the ticket's result does.

A part never changes once it is written. Its number is the cursor of every way to watch a ticket: listeners order parts
by it, and a reader that was away continues after the last one that it has seen.
"""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from shared.models.wire import SnakeModel

PARTS_PER_ATTEMPT = 1_000_000
"""The numbers that each attempt at a ticket has for its parts. No attempt writes as many: it would take days."""


class PartKind(StrEnum):
    """What a part contains."""

    CONTENT = "content"
    REASONING = "reasoning"
    TOOL = "tool"


@dataclass(frozen=True)
class Delta:
    """The next piece of an answer: text, or tool calls that are left to the caller, in the form of OpenAI's chats."""

    kind: PartKind
    text: str = ""
    tool_calls: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])


class Part(SnakeModel):
    """A piece of an answer, which has exactly one of `content`, `reasoning` and `tool_calls`.

    `n`: its number, which grows, also from one attempt to the next. `attempt`: the attempt that wrote it. The parts of
    an attempt that was followed by another do not belong to the result.
    """

    n: int
    attempt: int
    content: str | None = None
    reasoning: str | None = None
    tool_calls: list[dict[str, Any]] | None = None

    @classmethod
    def of(cls, n: int, attempt: int, delta: Delta) -> "Part":
        """Returns the part with this number and content."""
        match delta.kind:
            case PartKind.CONTENT:
                return cls(n=n, attempt=attempt, content=delta.text)
            case PartKind.REASONING:
                return cls(n=n, attempt=attempt, reasoning=delta.text)
            case PartKind.TOOL:
                return cls(n=n, attempt=attempt, tool_calls=delta.tool_calls)

    @property
    def delta(self) -> Delta:
        """The part's content."""
        if self.tool_calls is not None:
            return Delta(PartKind.TOOL, tool_calls=self.tool_calls)
        if self.reasoning is not None:
            return Delta(PartKind.REASONING, self.reasoning)
        return Delta(PartKind.CONTENT, self.content or "")


def parts_before(attempt: int) -> int:
    """Returns the number after which the parts of this attempt begin. The first attempt's first part is number 1."""
    return max(0, attempt - 1) * PARTS_PER_ATTEMPT

"""Counts the model calls of a chain of runs, and adds up their tokens."""

from shared.models.chat import Usage


class CallCounter:
    """Counts for one chain of runs: a run and all the agents that it calls."""

    def __init__(self) -> None:
        self._calls = 0
        self.usage = Usage()

    def next(self) -> int:
        """Counts a call, and returns its number in the chain, starting at 1."""
        self._calls += 1
        return self._calls

    def add(self, usage: Usage) -> None:
        """Adds the tokens of a completed call."""
        self.usage = Usage(
            prompt_tokens=self.usage.prompt_tokens + usage.prompt_tokens,
            completion_tokens=self.usage.completion_tokens + usage.completion_tokens,
            total_tokens=self.usage.total_tokens + usage.total_tokens,
        )

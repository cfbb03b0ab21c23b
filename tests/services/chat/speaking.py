"""A model that speaks word by word, when the test tells it to, and can be stopped."""

import asyncio
from collections.abc import Sequence

from shared.llm.catalog import ModelRoute
from shared.llm.live import CANCELLED, LiveCall
from shared.models.chat import ChatRequest, ChatResult
from shared.models.part import Delta, Part, PartKind
from shared.store import Database


class Speaker:
    """Says `words`. After the first `free` of them, it waits until `go_on` is set or it is stopped.

    An answer costs `cost` US dollars, and a stopped answer half of that. `result`: replaces the answer.
    """

    def __init__(
        self, words: Sequence[str], cost: float = 0.0, free: int = 1_000_000, result: ChatResult | None = None
    ) -> None:
        self.words = words
        self.cost = cost
        self.free = free
        self.result = result
        self.calls = 0
        self.waits = asyncio.Event()
        self.go_on = asyncio.Event()

    async def __call__(
        self, route: ModelRoute, request: ChatRequest, timeout: float, live: LiveCall | None = None
    ) -> ChatResult:
        assert live is not None
        self.calls += 1
        said = ""
        with live.stoppable(self.go_on.set):
            for number, word in enumerate(self.words):
                if number >= self.free:
                    self.waits.set()
                    await self.go_on.wait()
                if live.is_stopped:
                    thoughts = {"finish_reason": CANCELLED}
                    return ChatResult(content=said, thoughts=thoughts, model="m", cost=self.cost / 2)
                said += word
                live.follow(Delta(PartKind.CONTENT, word))
        return self.result or ChatResult(content=said, model="m", cost=self.cost)


async def list_parts(database: Database, ticket_id: str) -> list[Part]:
    return await database.parts.list(ticket_id, 0, 1000)


def join(parts: Sequence[Part]) -> str:
    """Returns the content of the parts."""
    return "".join(part.content or "" for part in parts)


async def wait_for_parts(database: Database, ticket_id: str) -> list[Part]:
    """Waits until the ticket has parts, and returns them."""
    async with asyncio.timeout(20):
        while not (parts := await list_parts(database, ticket_id)):  # noqa: ASYNC110 - another task writes them
            await asyncio.sleep(0.01)
    return parts

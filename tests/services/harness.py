"""Creates all services with one database, for tests that track money and tickets across services."""

import asyncio
from typing import Any

from shared.llm.catalog import Catalog, ModelRoute
from shared.llm.completion import complete
from shared.models.account import Account
from shared.models.chat import ChatRequest, ChatResult
from shared.models.money import to_dollars
from shared.sandbox.engine import create_engine
from shared.services.accounts.users import UserService
from shared.services.agents.published import PublishedService
from shared.services.agents.runs import RunService
from shared.services.chat.agent_chat import AgentChatService
from shared.services.chat.answering import AnsweringService
from shared.services.chat.submission import ChatService
from shared.services.chat.tickets import TicketService
from shared.services.chat.turns import TurnService
from shared.services.model_calls import ModelCallService
from shared.settings import Settings
from shared.store import Database
from shared.tasks import task_queue

MODEL = "gpt-4.1-mini"


def chat(prompt: str, *, answer_tokens: int = 1000, model: str = MODEL, provider: str = "openai") -> ChatRequest:
    return ChatRequest.model_validate(
        {
            "messages": [{"role": "user", "content": prompt}],
            "provider": provider,
            "model": model,
            "parameters": {"max_tokens": answer_tokens},
        }
    )


def create_answering_service(
    database: Database, catalog: Catalog, complete_chat: Any, settings: Settings
) -> AnsweringService:
    """Creates the service that answers tickets, as the worker does."""
    answer_with_agent = AgentChatService(
        database, create_run_service(database, catalog, complete_chat, settings), settings
    ).answer
    turns = TurnService(database, lambda: task_queue(settings), settings)
    return AnsweringService(database, catalog, complete_chat, answer_with_agent, settings, turns)


def create_run_service(database: Database, catalog: Catalog, complete_chat: Any, settings: Settings) -> RunService:
    """Creates the service that runs agents, as the functions do."""
    model_calls = ModelCallService.create(database, catalog, complete_chat, settings)
    return RunService(database, model_calls, create_engine(settings), settings)


class Harness:
    """All services with one database."""

    def __init__(self, settings: Settings, catalog: Catalog) -> None:
        self.settings = settings
        self.catalog = catalog
        self.database = Database(settings)
        self.queue = task_queue(settings)
        self.chat = ChatService(self.database, self.queue, catalog, settings)
        self.tickets = TicketService(self.database)
        self.users = UserService(self.database, settings)
        self.runs = create_run_service(self.database, catalog, complete, settings)

    async def deliver(self, ticket_id: str, complete_chat: Any = complete) -> None:
        await create_answering_service(self.database, self.catalog, complete_chat, self.settings).answer(ticket_id)

    async def account(self, uid: str) -> Account:
        account = await self.database.accounts.get(uid)
        assert account is not None
        return account

    async def get_charges(self, uid: str) -> list[int]:
        """Returns the amounts of the user's usage entries, in all periods."""
        entries = await self.database._client.collection("users").document(uid).collection("usage").get()  # pyright: ignore[reportPrivateUsage]
        return [(entry.to_dict() or {})["charged"] for entry in entries]


def create_model(cost: int) -> Any:
    """Returns a model whose answers cost `cost` micros each."""

    async def answer(route: ModelRoute, request: ChatRequest, timeout: float, live: object = None) -> ChatResult:
        return ChatResult(content="ok", model="m", cost=to_dollars(cost))

    return answer


class GatedModel:
    """A model that waits until `open` is set, and whose answers cost `cost` micros each."""

    def __init__(self, cost: int) -> None:
        self.cost = cost
        self.open = asyncio.Event()
        self.open.set()
        self.called = asyncio.Event()
        self.calls = 0

    async def __call__(
        self, route: ModelRoute, request: ChatRequest, timeout: float, live: object = None
    ) -> ChatResult:
        self.calls += 1
        self.called.set()
        await self.open.wait()
        return ChatResult(content="ok", model="m", cost=to_dollars(self.cost))


def create_published_service(harness: Harness, model: Any, **settings: object) -> PublishedService:
    """Creates the service that calls published agents, with the given model and changed settings."""
    changed = harness.settings.model_copy(update=settings)
    return PublishedService(
        harness.database, create_run_service(harness.database, harness.catalog, model, changed), changed
    )

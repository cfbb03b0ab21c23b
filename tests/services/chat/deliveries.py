"""Creates tickets and delivers them, for tests."""

from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from shared.llm.catalog import Catalog
from shared.llm.completion import complete
from shared.models.chat import ChatRequest
from shared.models.ticket import Ticket
from shared.settings import Settings
from shared.store import Database
from tests.database_data import store
from tests.services.harness import create_answering_service

MODEL = "gpt-4.1-mini"


class Worker:
    """Creates tickets, and delivers them as the queue does."""

    def __init__(self, database: Database, catalog: Catalog, settings: Settings) -> None:
        self.database = database
        self.catalog = catalog
        self.settings = settings

    async def create_ticket(self, prompt: str, **fields: Any) -> str:
        now = datetime.now(UTC)
        ticket = Ticket(
            id=str(uuid4()), owner="u", provider="openai", model=MODEL, created_at=now, updated_at=now
        ).model_copy(update=fields)
        messages = [{"role": "user", "content": prompt}]
        body = {"messages": messages, "provider": ticket.provider, "model": ticket.model}
        await store(self.database, ticket, ChatRequest.model_validate(body))
        return ticket.id

    async def deliver(self, ticket_id: str, complete_chat: Any = complete, **settings: Any) -> None:
        changed = self.settings.model_copy(update=settings)
        await create_answering_service(self.database, self.catalog, complete_chat, changed).answer(ticket_id)

    async def get_ticket(self, ticket_id: str) -> Ticket:
        ticket = await self.database.tickets.get(ticket_id)
        assert ticket is not None
        return ticket

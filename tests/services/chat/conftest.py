"""Fixtures for the tests of chats."""

import pytest

from shared.llm.catalog import Catalog
from shared.services.chat.submission import ChatService
from shared.services.chat.tickets import TicketService
from shared.settings import Settings
from shared.store import Database
from shared.tasks import task_queue
from tests.services.chat.deliveries import Worker


@pytest.fixture
async def chat(database: Database, settings: Settings, catalog: Catalog) -> ChatService:
    return ChatService(database, task_queue(settings), catalog, settings)


@pytest.fixture
async def tickets(database: Database) -> TicketService:
    return TicketService(database)


@pytest.fixture
async def worker(database: Database, catalog: Catalog, settings: Settings) -> Worker:
    return Worker(database, catalog, settings)

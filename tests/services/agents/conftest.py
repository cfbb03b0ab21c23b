"""Fixtures for the tests of agents."""

import pytest

from shared.llm.catalog import Catalog
from shared.services.agents.published import PublishedService
from shared.settings import Settings
from tests.services.harness import Harness


@pytest.fixture
async def harness(settings: Settings, catalog: Catalog) -> Harness:
    return Harness(settings, catalog)


@pytest.fixture
def published(harness: Harness) -> PublishedService:
    return PublishedService(harness.database, harness.runs, harness.settings)

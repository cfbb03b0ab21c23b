"""Fixtures for the tests of runs."""

import pytest

from shared.llm.catalog import Catalog
from shared.settings import Settings
from tests.doubles.api_server import ApiServer
from tests.services.harness import Harness


@pytest.fixture
async def harness(settings: Settings, catalog: Catalog, api_server: ApiServer) -> Harness:
    return Harness(settings.model_copy(update={"outbound_allowed_hosts": (api_server.host,)}), catalog)

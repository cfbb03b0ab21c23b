"""A process serves a limited number of one user's requests at a time, and rejects further ones immediately."""

import pytest

from shared.llm.catalog import Catalog
from shared.models.caller import Caller
from shared.models.errors import TooManyRequests
from shared.models.session import ProviderConfig
from shared.services.generation.composition import MAX_CONCURRENT, Composer
from shared.services.request_shares import share
from shared.settings import Settings
from tests.services.harness import MODEL, Harness


async def test_each_user_has_a_share() -> None:
    """A request above the share is rejected with the time to wait. Each user and kind of request has its own share."""
    with share("p", "specs", "me", 2), share("p", "specs", "me", 2):
        with (
            pytest.raises(TooManyRequests, match="2 of your requests of this kind are under way") as raised,
            share("p", "specs", "me", 2),
        ):
            pass
        assert raised.value.retry_after == 5
        with share("p", "specs", "them", 2), share("p", "mcp", "me", 2):
            pass
    with share("p", "specs", "me", 1):
        pass


async def test_generation_requests_are_limited(settings: Settings, catalog: Catalog, caller: Caller) -> None:
    """The number of generation requests in a process is limited, because each may take most of a minute."""
    harness = Harness(settings, catalog)

    async def write(count: int) -> None:
        model = ProviderConfig(provider="openai", model=MODEL)
        async with Composer(harness.runs.model_calls, harness.settings, caller, model, [], subject="demo").limit_time():
            if count:
                await write(count - 1)

    await write(MAX_CONCURRENT - 1)
    with pytest.raises(TooManyRequests):
        await write(MAX_CONCURRENT)

"""How many requests of one user a process serves at a time: counted in memory, refused at once."""

import pytest

from shared.llm.catalog import Catalog
from shared.models.caller import Caller
from shared.models.errors import TooManyRequests
from shared.models.session import ProviderConfig
from shared.services.generation.composition import AT_ONCE, Composer
from shared.services.request_shares import share
from shared.settings import Settings
from tests.services.harness import MODEL, Harness


async def test_each_user_has_a_share() -> None:
    """One more is refused with the time to wait; what has ended makes room; each kind counts by itself."""
    with share("p", "specs", "me", 2), share("p", "specs", "me", 2):
        with (
            pytest.raises(TooManyRequests, match="2 of your requests of this kind are under way") as told,
            share("p", "specs", "me", 2),
        ):
            pass
        assert told.value.retry_after == 5
        with share("p", "specs", "them", 2), share("p", "mcp", "me", 2):
            pass
    with share("p", "specs", "me", 1):
        pass


async def test_requests_that_have_a_model_write_are_limited(
    settings: Settings, catalog: Catalog, caller: Caller
) -> None:
    """Each may take most of a minute, and a process serves a limited number."""
    harness = Harness(settings, catalog)

    async def write(count: int) -> None:
        model = ProviderConfig(provider="openai", model=MODEL)
        async with Composer(harness.runs.model_calls, harness.settings, caller, model, [], subject="demo").limit_time():
            if count:
                await write(count - 1)

    await write(AT_ONCE - 1)
    with pytest.raises(TooManyRequests):
        await write(AT_ONCE)

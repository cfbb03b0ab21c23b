"""A user with schedules, and a clock that stands still."""

import pytest

from shared.models.caller import Caller
from shared.settings import Settings
from shared.store import Database
from tests.services.schedules.scheduling import Scheduling
from tests.stopped_clock import StoppedClock


@pytest.fixture
async def scheduling(database: Database, settings: Settings, stopped_clock: StoppedClock, caller: Caller) -> Scheduling:
    return Scheduling(database, settings, stopped_clock, caller)

"""Programs for tests of the engine and its processes, and host functions that answer only when the test allows it."""

import asyncio
from dataclasses import dataclass, field
from typing import Any

from pydantic import JsonValue

from shared.models.wire import JsonObject
from shared.sandbox import Outcome, Program
from shared.sandbox.engine import WasmEngine
from shared.sandbox.no_host_functions import NoHostFunctions
from tests.sandbox.conftest import LIMITS

RUN = "async def run(input_dict, tools):\n"
NORMAL = RUN + "    return input_dict['n'] * 2"
CALL = RUN + "    return await gofannon_client.call('gate', input_dict)"


@dataclass
class Gate(NoHostFunctions):
    """Host functions whose `call_agent` waits until `opened` is set. Each call releases `arrived`.

    `in_progress`, `max_in_progress` and `cancelled` count the calls.
    """

    opened: asyncio.Event = field(default_factory=asyncio.Event)
    arrived: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(0))
    in_progress: int = 0
    max_in_progress: int = 0
    cancelled: int = 0

    async def call_agent(self, name: str, input_dict: JsonObject) -> JsonValue:
        self.in_progress += 1
        self.max_in_progress = max(self.max_in_progress, self.in_progress)
        self.arrived.release()
        try:
            await self.opened.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        finally:
            self.in_progress -= 1
        return name


async def run_with_gate(engine: WasmEngine, code: str, *sharers: str, **input_dict: Any) -> Outcome:
    """Runs the code with this input, and a new gate as its host functions."""
    return await engine.run(Program(code, input_dict, sharers=sharers), Gate(), LIMITS)

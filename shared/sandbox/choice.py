"""Which engine runs a program: the fast one what it can, the full one all else.

A look at the code decides, before anything runs: nothing is begun in one engine and repeated in the other.
"""

import time
from dataclasses import dataclass, replace

from shared.sandbox.failures import not_run
from shared.sandbox.fast.engine import FastEngine
from shared.sandbox.full.engine import FullEngine
from shared.sandbox.inside.calls import Abilities
from shared.sandbox.inspection.look import looked_at_soon
from shared.sandbox.program import Failure, Limits, Outcome, Program
from shared.settings import Settings


def engines(settings: Settings) -> "Engines":
    """Cheap: what is behind them is shared by all on the same event loop."""
    return Engines(FastEngine(settings.runs_at_once), FullEngine(settings.full_runs_at_once))


@dataclass(frozen=True)
class Engines:
    """These are an `Engine`."""

    fast: FastEngine
    full: FullEngine

    async def run(self, program: Program, abilities: Abilities, limits: Limits, level: int = 0) -> Outcome:
        """See `Engine`."""
        began = time.monotonic()
        looked = await looked_at_soon(program.code)
        if looked.faults:
            return Outcome(None, not_run(looked.faults), [], time.monotonic() - began, looked.engine, looked.why)
        if looked.engine == "fast":
            return await self.fast.run(program, abilities, limits, level, looked)
        outcome = await self.full.run(program, abilities, limits, level)
        return replace(outcome, engine="full", why=looked.why)

    async def load(self, code: str, limits: Limits, sharers: tuple[str, ...] = ()) -> Failure | None:
        """See `Engine`."""
        looked = await looked_at_soon(code)
        if looked.faults:
            return not_run(looked.faults)
        if looked.engine == "fast":
            return await self.fast.load(code, limits, sharers, looked)
        return await self.full.load(code, limits, sharers)

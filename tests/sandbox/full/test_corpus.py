"""Both corpora in the full engine: what the fast one runs ends as it does there, and all else as CPython has it.

An interpreter takes a third of a second to boot, so that they run side by side, and all of them in a few tests.
"""

import asyncio
from collections.abc import Callable, Mapping

import pytest

from shared.sandbox import Limits, Program
from shared.sandbox.full.engine import FullEngine
from shared.sandbox.inspection.look import looked_at
from tests.sandbox.abilities import ScriptedAbilities
from tests.sandbox.by_cpython import by_cpython
from tests.sandbox.conftest import LIMITS
from tests.sandbox.programs import HERE, cases_of, code_of, names, numbered_cases
from tests.sandbox.shop_server import ShopServer

SIDE_BY_SIDE = 3
PATIENT = Limits(
    seconds=60,
    cpu_seconds=LIMITS.cpu_seconds,
    memory_bytes=LIMITS.memory_bytes,
    log_bytes=LIMITS.log_bytes,
    result_bytes=LIMITS.result_bytes,
)
"""Of runs that share the processor."""


class Corpus:
    """Runs cases of a folder, and tells of each what was not as expected."""

    def __init__(
        self,
        folder: str,
        engine: FullEngine,
        make_abilities: Callable[[], ScriptedAbilities],
        addresses: Mapping[str, str],
        shop_server: ShopServer,
    ) -> None:
        self.folder = folder
        self._engine = engine
        self._make_abilities = make_abilities
        self._addresses = addresses
        self._shop_server = shop_server

    async def wrong(self, cases: list[tuple[str, int]]) -> dict[str, object]:
        """By name and number. What changes the shop, or counts its callers, runs alone."""
        turns = asyncio.Semaphore(SIDE_BY_SIDE)

        async def one(name: str, number: int) -> object:
            async with turns:
                return await self._wrong(name, number, alone=False)

        beside = [case for case in cases if not self._shops(case[0])]
        found = dict(zip(beside, await asyncio.gather(*[one(*case) for case in beside]), strict=True))
        for name, number in cases:
            if self._shops(name):
                self._shop_server.reset()
                found[name, number] = await self._wrong(name, number, alone=True)
        return {f"{name} {number}": told for (name, number), told in found.items() if told}

    def _shops(self, name: str) -> bool:
        return "$SHOP" in (HERE / self.folder / f"{name}.json").read_text()

    async def _wrong(self, name: str, number: int, alone: bool) -> object:
        case = cases_of(name, self._addresses, self.folder)[number]
        abilities = self._make_abilities()
        abilities.answers = case.answers
        if case.meet:
            abilities.meet(case.meet)
        program = Program(code_of(self.folder, name), case.input, case.tools)
        outcome = await self._engine.run(program, abilities, PATIENT)
        there = (outcome.failure.error if outcome.failure else None, outcome.result, outcome.logs)
        expected = (case.error, case.full_result or case.result, case.logs)
        if there != expected:
            return {"there": there, "expected": expected, "traceback": outcome.failure and outcome.failure.traceback}
        met = (abilities.calls.most_at_once, self._shop_server.most_at_once if alone else 0)
        return None if met == (case.meet, case.meet_http if alone else 0) else {"met": met}


@pytest.mark.timeout(240)
@pytest.mark.parametrize("folder", [pytest.param("corpus", marks=pytest.mark.long), "corpus_full"])
async def test_every_program_does_what_it_says(
    folder: str,
    full_engine: FullEngine,
    make_abilities: Callable[[], ScriptedAbilities],
    addresses: dict[str, str],
    shop_server: ShopServer,
) -> None:
    """Its result, or its error, and every line that it prints; of the fast engine's programs the same as there."""
    corpus = Corpus(folder, full_engine, make_abilities, addresses, shop_server)
    assert await corpus.wrong(numbered_cases(folder)) == {}


@pytest.mark.parametrize("name", names("corpus_full"))
def test_the_look_sends_it_to_the_full_engine(name: str) -> None:
    """And it finds nothing that no engine would run."""
    looked = looked_at(code_of("corpus_full", name))
    assert (looked.engine, looked.faults) == ("full", [])
    assert looked.why


@pytest.mark.parametrize(
    ("name", "number"),
    [case for case in numbered_cases("corpus_full") if cases_of(case[0], folder="corpus_full")[case[1]].cpython],
)
def test_cpython_does_the_same(name: str, number: int) -> None:
    """What an author sees on a machine of their own is what the sandbox gives."""
    case = cases_of(name, folder="corpus_full")[number]
    assert by_cpython(code_of("corpus_full", name), case) == (case.result, case.error, case.logs)


def test_there_are_enough() -> None:
    """The corpus does not shrink unnoticed."""
    assert len(names("corpus_full")) >= 40

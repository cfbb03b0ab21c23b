"""Sends programs to both Pythons, a batch at a time, and collects what was not the same."""

import asyncio
import contextlib
import json
from collections import Counter
from collections.abc import AsyncGenerator, Generator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from pydantic import JsonValue

from shared.sandbox import Limits, Program
from shared.sandbox.engine import WasmEngine
from shared.sandbox.no_host_functions import NoHostFunctions
from tests.sandbox.differential.comparison import difference, is_judged_by, is_of_32_bits, is_told_by
from tests.sandbox.differential.mutation import Source
from tests.sandbox.differential.plain import DRIVER, Plain, Python

BATCH = 50
_LIMITS = Limits(seconds=300, cpu_seconds=120, memory_bytes=256 * 2**20, log_bytes=1000, result_bytes=16 * 2**20)
_HASH_SEEDS = (1, 2)
_AHEAD = 2

Answer = dict[str, Any]


@dataclass
class Report:
    """`ends`: how the programs ended that were compared, by exception class, and `""` where none was raised.

    `unanswered`: those that take too long, or more memory than there is. `unsettled`: those that do not do the same
    twice, in CPython or in the engine, for the order of a set or the time of day. `of_32_bits`: those that differ for a
    number that is an index in 64 bits and none in 32.
    `of_other_versions`: those for which this CPython is too old. `kept`: some of those that did the same, with
    CPython's answer.
    """

    ends: Counter[str] = field(default_factory=Counter[str])
    unanswered: int = 0
    unsettled: int = 0
    of_32_bits: int = 0
    of_other_versions: int = 0
    differences: list[tuple[Source, str]] = field(default_factory=list[tuple[Source, str]])
    kept: list[tuple[Source, Answer]] = field(default_factory=list[tuple[Source, Answer]])

    @property
    def compared(self) -> int:
        return self.ends.total()

    def __str__(self) -> str:
        rest = ", ".join(
            f"{getattr(self, name)} {name}" for name in ("unanswered", "unsettled", "of_32_bits", "of_other_versions")
        )
        return f"{self.compared} compared, {len(self.differences)} different, {rest}; {dict(self.ends.most_common())}"


class Comparing:
    """Of an engine and a Python. `driver`: what the engine runs the programs by; `keep_each`: which are kept."""

    def __init__(self, engine: WasmEngine, plains: list[Plain], python: Python, driver: str, keep_each: int) -> None:
        self._engine = engine
        self._plains = plains
        self._python = python
        self._driver = driver
        self._keep_each = keep_each
        self._turn = asyncio.Lock()
        self.report = Report()

    async def compare(self, sources: Iterable[Source]) -> Report:
        waiting = filter(self._is_judged, sources)
        ahead = asyncio.Semaphore(_AHEAD)

        async def one(batch: list[Source]) -> None:
            try:
                await self._compare(batch)
            finally:
                ahead.release()

        async with asyncio.TaskGroup() as group:
            while True:
                await ahead.acquire()
                if not (batch := list(islice(waiting, BATCH))):  # no thread: Python 3.11 cannot read code in two
                    break
                group.create_task(one(batch))
        return self.report

    def _is_judged(self, source: Source) -> bool:
        judged = is_judged_by(source.code, self._python.version)
        self.report.of_other_versions += not judged
        return judged

    async def _compare(self, batch: list[Source]) -> None:
        programs = _programs(batch)
        async with self._turn:
            answers = await asyncio.gather(*[asyncio.to_thread(plain.answers, programs) for plain in self._plains])
        settled: list[tuple[Source, Answer]] = []
        for source, first, *others in zip(batch, *answers, strict=True):
            if not first or not all(others) or (first["raised"] and first["raised"][0] == "MemoryError"):
                self.report.unanswered += 1
            elif not is_told_by(first, self._python.version):
                self.report.of_other_versions += 1
            elif any(difference(other, first, self._python.version) for other in others):
                self.report.unsettled += 1
            else:
                settled.append((source, first))
        engines = await self._by_the_engine([source for source, _ in settled])
        for (source, plain), answer in zip(settled, engines, strict=True):
            if self._differs(answer, plain) and await self._is_unsettled(source, plain, answer):
                self.report.unsettled += 1
            else:
                self._judge(source, plain, answer)

    def _differs(self, answer: Answer | str, plain: Answer) -> bool:
        return isinstance(answer, str) or difference(answer, plain, self._python.version) is not None

    async def _is_unsettled(self, source: Source, plain: Answer, answer: Answer | str) -> bool:
        """Whether memory decides: in which order a set gives objects without a hash of their own, as the tasks of a
        group, and so which of them the steps end at. The engine's memory lies otherwise in every build.
        """
        if not isinstance(answer, str) and all("OutOfSteps" in json.dumps(one["raised"]) for one in (answer, plain)):
            return True
        for times in (1, 3, 6):
            if not all(self._differs(again, plain) for again in await self._by_the_engine([source] * times)):
                return True
        return False

    def _judge(self, source: Source, plain: Answer, answer: Answer | str) -> None:
        kind = plain["raised"][0] if plain["raised"] else ""
        found = answer if isinstance(answer, str) else difference(answer, plain, self._python.version)
        if found and not isinstance(answer, str) and is_of_32_bits(answer, plain):
            self.report.of_32_bits += 1
            return
        self.report.ends[kind] += 1
        if found:
            self.report.differences.append((source, found))
        elif self.report.compared % self._keep_each == 0:
            self.report.kept.append((source, plain))

    async def _by_the_engine(self, sources: list[Source]) -> list[Answer | str]:
        """The driver's answers; for a program that ends the run of the driver, what the run failed by."""
        if not sources:
            return []
        programs = _programs(sources)
        outcome = await self._engine.run(Program(self._driver, {"programs": programs}), NoHostFunctions(), _LIMITS)
        if outcome.failure is None:
            answers: list[Answer | str] = json.loads(json.dumps(outcome.result))
            return answers
        if len(sources) == 1:
            return [outcome.failure.error]
        half = len(sources) // 2
        return await self._by_the_engine(sources[:half]) + await self._by_the_engine(sources[half:])


def _programs(sources: list[Source]) -> list[JsonValue]:
    return [{"code": source.code, "input": source.given} for source in sources]


@contextlib.contextmanager
def _plains(python: Python) -> Generator[list[Plain]]:
    with contextlib.ExitStack() as stack:
        yield [stack.enter_context(Plain(python, seed)) for seed in _HASH_SEEDS]


@asynccontextmanager
async def comparing(
    engine: WasmEngine, python: Python, driver: str | None = None, keep_each: int = 25
) -> AsyncGenerator[Comparing]:
    """See `Comparing`; the driver is by itself the same for both."""
    with _plains(python) as plains:
        yield Comparing(engine, plains, python, driver or DRIVER.read_text(), keep_each)

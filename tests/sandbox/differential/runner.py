"""Sends batches of programs to the engine and to a plain Python, and collects the differences."""

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
from tests.sandbox.differential.comparison import (
    find_difference,
    has_comparable_exception,
    is_comparable,
    is_index_size_difference,
)
from tests.sandbox.differential.mutation import Source
from tests.sandbox.differential.plain import DRIVER, PlainPython, Python

BATCH = 50
_LIMITS = Limits(seconds=300, cpu_seconds=120, memory_bytes=256 * 2**20, log_bytes=1000, result_bytes=16 * 2**20)
_HASH_SEEDS = (1, 2)
_MAX_BATCHES = 2

Answer = dict[str, Any]


@dataclass
class Report:
    """The results of a comparison.

    - `ends`: the number of compared programs, by the class of their exception, which is `""` if there is none.
    - `unanswered`: the number of programs that take too long or too much memory.
    - `unstable`: the number of programs that behave differently in a second run in CPython or in the engine, because
      they depend on the order of a set or on the time of day.
    - `index_size`: the number of programs that differ because a number is a valid 64-bit index, but not a 32-bit one.
    - `too_new`: the number of programs for which this CPython is too old.
    - `samples`: some of the programs that behave the same, with CPython's answers.
    """

    ends: Counter[str] = field(default_factory=Counter[str])
    unanswered: int = 0
    unstable: int = 0
    index_size: int = 0
    too_new: int = 0
    differences: list[tuple[Source, str]] = field(default_factory=list[tuple[Source, str]])
    samples: list[tuple[Source, Answer]] = field(default_factory=list[tuple[Source, Answer]])

    @property
    def compared(self) -> int:
        return self.ends.total()

    def __str__(self) -> str:
        rest = ", ".join(
            f"{getattr(self, name)} {name}" for name in ("unanswered", "unstable", "index_size", "too_new")
        )
        return f"{self.compared} compared, {len(self.differences)} different, {rest}; {dict(self.ends.most_common())}"


class Comparison:
    """Compares an engine with a plain Python.

    The engine runs the programs with `driver`. One in every `sample_interval` programs becomes a sample in the report.
    """

    def __init__(
        self, engine: WasmEngine, plains: list[PlainPython], python: Python, driver: str, sample_interval: int
    ) -> None:
        self._engine = engine
        self._plains = plains
        self._python = python
        self._driver = driver
        self._sample_interval = sample_interval
        self._plain_lock = asyncio.Lock()
        self.report = Report()

    async def compare(self, sources: Iterable[Source]) -> Report:
        waiting = filter(self._is_comparable, sources)
        free_batches = asyncio.Semaphore(_MAX_BATCHES)

        async def compare_batch(batch: list[Source]) -> None:
            try:
                await self._compare(batch)
            finally:
                free_batches.release()

        async with asyncio.TaskGroup() as group:
            while True:
                await free_batches.acquire()
                if not (
                    batch := list(islice(waiting, BATCH))
                ):  # not in a thread: Python 3.11 cannot parse in two at once
                    break
                group.create_task(compare_batch(batch))
        return self.report

    def _is_comparable(self, source: Source) -> bool:
        comparable = is_comparable(source.code, self._python.version)
        self.report.too_new += not comparable
        return comparable

    async def _compare(self, batch: list[Source]) -> None:
        programs = _to_programs(batch)
        async with self._plain_lock:
            answers = await asyncio.gather(*[asyncio.to_thread(plain.run, programs) for plain in self._plains])
        stable: list[tuple[Source, Answer]] = []
        for source, first, *others in zip(batch, *answers, strict=True):
            if not first or not all(others) or (first["raised"] and first["raised"][0] == "MemoryError"):
                self.report.unanswered += 1
            elif not has_comparable_exception(first, self._python.version):
                self.report.too_new += 1
            elif any(find_difference(other, first, self._python.version) for other in others):
                self.report.unstable += 1
            else:
                stable.append((source, first))
        engine_answers = await self._run_in_engine([source for source, _ in stable])
        for (source, plain), answer in zip(stable, engine_answers, strict=True):
            if self._differs(answer, plain) and await self._is_unstable(source, plain, answer):
                self.report.unstable += 1
            else:
                self._record(source, plain, answer)

    def _differs(self, answer: Answer | str, plain: Answer) -> bool:
        return isinstance(answer, str) or find_difference(answer, plain, self._python.version) is not None

    async def _is_unstable(self, source: Source, plain: Answer, answer: Answer | str) -> bool:
        """Returns whether the program depends on memory addresses, which differ in every build of the engine.

        Addresses determine the order of a set of objects that define no hash, such as the tasks of a group. The order
        can determine which of them runs out of steps.
        """
        if not isinstance(answer, str) and all("OutOfSteps" in json.dumps(one["raised"]) for one in (answer, plain)):
            return True
        for times in (1, 3, 6):
            if not all(self._differs(retry, plain) for retry in await self._run_in_engine([source] * times)):
                return True
        return False

    def _record(self, source: Source, plain: Answer, answer: Answer | str) -> None:
        kind = plain["raised"][0] if plain["raised"] else ""
        found_difference = answer if isinstance(answer, str) else find_difference(answer, plain, self._python.version)
        if found_difference and not isinstance(answer, str) and is_index_size_difference(answer, plain):
            self.report.index_size += 1
            return
        self.report.ends[kind] += 1
        if found_difference:
            self.report.differences.append((source, found_difference))
        elif self.report.compared % self._sample_interval == 0:
            self.report.samples.append((source, plain))

    async def _run_in_engine(self, sources: list[Source]) -> list[Answer | str]:
        """Returns the driver's answers. The answer for a program that ends the driver's run is the run's error."""
        if not sources:
            return []
        programs = _to_programs(sources)
        outcome = await self._engine.run(Program(self._driver, {"programs": programs}), NoHostFunctions(), _LIMITS)
        if outcome.failure is None:
            answers: list[Answer | str] = json.loads(json.dumps(outcome.result))
            return answers
        if len(sources) == 1:
            return [outcome.failure.error]
        half = len(sources) // 2
        return await self._run_in_engine(sources[:half]) + await self._run_in_engine(sources[half:])


def _to_programs(sources: list[Source]) -> list[JsonValue]:
    return [{"code": source.code, "input": source.input} for source in sources]


@contextlib.contextmanager
def _start_plains(python: Python) -> Generator[list[PlainPython]]:
    with contextlib.ExitStack() as stack:
        yield [stack.enter_context(PlainPython(python, seed)) for seed in _HASH_SEEDS]


@asynccontextmanager
async def open_comparison(
    engine: WasmEngine, python: Python, driver: str | None = None, sample_interval: int = 25
) -> AsyncGenerator[Comparison]:
    """Opens a `Comparison`. By default, the engine uses the same driver as the plain Python."""
    with _start_plains(python) as plains:
        yield Comparison(engine, plains, python, driver or DRIVER.read_text(), sample_interval)

"""The event loop of the measuring process."""

import asyncio

import pytest

from bench.loop import run
from bench.watching import MeasurementFailed, watch


async def _hang(ended: list[str]) -> None:
    try:
        await asyncio.Event().wait()
    finally:
        ended.append("ended")


async def _add(one: int, other: int) -> int:
    return one + other


def test_work_runs_to_its_end() -> None:
    """Its result is returned, and its exception raised."""
    assert run(_add(1, 2)) == 3
    with pytest.raises(TypeError):
        run(_add(1, None))  # pyright: ignore[reportArgumentType]


def test_work_has_a_time_limit() -> None:
    """It is then cancelled."""
    ended: list[str] = []
    with pytest.raises(MeasurementFailed, match="a step took longer than 0 s"):
        run(_hang(ended), timeout=0.01)
    assert ended == ["ended"]


def test_work_ends_when_a_process_that_it_depends_on_ends() -> None:
    """It would wait for that process."""
    ended: list[str] = []
    with watch("the emulator", lambda: True), pytest.raises(MeasurementFailed, match="the emulator ended"):
        run(_hang(ended))
    assert ended == ["ended"]

"""The run slots, without an engine: which runs get one, which wait, and which are refused."""

import asyncio
from collections import Counter
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.models.errors import NoRunSlot
from shared.sandbox import run_slots as module
from shared.sandbox.run_slots import Slots


class Runs:
    """Runs that each occupy a slot until they are ended."""

    def __init__(self, slots: Slots) -> None:
        self._slots = slots
        self.alive: list[str] = []
        self.tasks: list[asyncio.Task[None]] = []
        self._ends: dict[str, asyncio.Event] = {}

    async def start(self, name: str, *sharers: str, caller: str | None = None) -> None:
        self.tasks.append(asyncio.create_task(self._run(name, sharers, caller)))
        await asyncio.sleep(0)

    async def end(self, name: str) -> None:
        self._ends[name].set()
        for _ in range(5):
            await asyncio.sleep(0)

    async def _run(self, name: str, sharers: Sequence[str], caller: str | None) -> None:
        async with self._slots.slot(sharers, caller):
            self.alive.append(name)
            self._ends[name] = asyncio.Event()
            try:
                await self._ends[name].wait()
            finally:
                self.alive.remove(name)

    async def cancel(self) -> None:
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)


async def test_a_sharer_gets_a_quarter_of_the_slots_and_does_not_block_others() -> None:
    """While a sharer's runs wait, another sharer's run starts. When a run ends, the next waiting one starts."""
    runs = Runs(Slots(8))
    for number in range(6):
        await runs.start(f"mine {number}", "user:me")
    await runs.start("theirs", "user:them")
    assert runs.alive == ["mine 0", "mine 1", "theirs"]
    await runs.end("mine 0")
    assert runs.alive == ["mine 1", "theirs", "mine 2"]
    await runs.cancel()


async def test_a_run_needs_room_in_the_share_of_each_of_its_sharers() -> None:
    """An agent has one share for all its users, and a user has one share for all agents."""
    runs = Runs(Slots(8))
    for number in range(3):
        await runs.start(f"agent {number}", f"user:{number}", "agent:popular")
    await runs.start("user 0 again", "user:0", "agent:other")
    await runs.start("user 0 a third time", "user:0", "agent:third")
    assert runs.alive == ["agent 0", "agent 1", "user 0 again"]
    await runs.end("agent 0")
    assert runs.alive == ["agent 1", "user 0 again", "agent 2", "user 0 a third time"]
    await runs.cancel()


async def test_no_sharer_gets_more_than_eight_slots() -> None:
    """A sharer gets at most eight slots, even if there are many slots, as each run needs CPU time."""
    runs = Runs(Slots(128))
    for number in range(12):
        await runs.start(f"mine {number}", "user:me")
    assert len(runs.alive) == 8
    await runs.cancel()


@pytest.mark.parametrize(("max_runs", "max_of_caller", "max_of_owner"), [(128, 8, 16), (8, 2, 4), (4, 1, 2), (1, 1, 1)])
async def test_a_caller_gets_half_of_the_share_of_the_agent_and_its_owner(
    max_runs: int, max_of_caller: int, max_of_owner: int
) -> None:
    """While a caller's runs wait, the next caller's runs start. All callers together leave slots to other owners."""
    runs = Runs(Slots(max_runs))
    for caller in ("a", "b", "c"):
        for number in range(20):
            await runs.start(f"{caller} {number}", "user:owner", "agent:popular", caller=f"caller:{caller}")
    await runs.start("other", "user:other", "agent:other", caller="caller:a of other")
    alive = Counter(name[0] for name in runs.alive)
    assert (alive["a"], alive["b"], alive["c"]) == (max_of_caller, max_of_owner - max_of_caller, 0)
    assert alive["o"] == (1 if max_runs > 1 else 0)
    await runs.cancel()


async def test_an_owners_agents_share_the_owners_slots() -> None:
    """All of an owner's agents use the owner's share, and a caller's runs of these agents use the caller's share."""
    runs = Runs(Slots(8))
    for number in range(3):
        await runs.start(f"a {number}", "user:owner", f"agent:{number}", caller="caller:a")
    for number in range(6):
        await runs.start(f"b {number}", "user:owner", f"agent:{number}", caller=f"caller:b {number}")
    assert runs.alive == ["a 0", "a 1", "b 0", "b 1"]
    await runs.cancel()


async def test_a_caller_whose_runs_wait_leaves_room_for_others_to_wait() -> None:
    """A single caller cannot fill an agent's waiting list, and that list is limited for all callers together."""
    runs = Runs(Slots(4))
    for number in range(33):
        await runs.start(f"a {number}", "agent:popular", caller="caller:a")
    with pytest.raises(NoRunSlot, match="1 of 4"):
        async with runs._slots.slot(["agent:popular"], "caller:a"):  # pyright: ignore[reportPrivateUsage]
            pass
    for number in range(17):
        await runs.start(f"b {number}", "agent:popular", caller="caller:b")
    assert runs.alive == ["a 0", "b 0"]
    assert not any(task.done() for task in runs.tasks)
    with pytest.raises(NoRunSlot, match="2 of 4"):
        async with runs._slots.slot(["agent:popular"], "caller:c"):  # pyright: ignore[reportPrivateUsage]
            pass
    await runs.cancel()


async def test_waiting_runs_get_slots_in_the_order_of_arrival() -> None:
    """When a slot becomes free, the run that has waited for the longest time gets it."""
    runs = Runs(Slots(2))
    for name in "abcd":
        await runs.start(name, f"user:{name}")
    assert runs.alive == ["a", "b"]
    await runs.end("b")
    assert runs.alive == ["a", "c"]
    await runs.cancel()


async def test_the_error_after_waiting_names_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """The error names the share or the number of slots, and the time to retry. A refused run takes no slot."""
    monkeypatch.setattr(module, "_WAITING_SECONDS", 0.01)
    slots = Slots(5)
    async with slots.slot(["user:me"]), slots.slot(["user:me"]):
        with pytest.raises(NoRunSlot, match="at most 2 of 5 slots") as raised:
            async with slots.slot(["user:me"]):
                pass
        assert (raised.value.status, raised.value.retry_after) == (503, 5)
        async with slots.slot(["a"]), slots.slot(["b"]), slots.slot(["c"]):
            with pytest.raises(NoRunSlot, match="at most 5 run here at a time"):
                async with slots.slot(["d"]):
                    pass
    async with asyncio.timeout(1):
        async with slots.slot(["user:me"]), slots.slot(["user:me"]):
            pass


async def test_the_number_of_a_sharers_waiting_runs_is_limited() -> None:
    """Further runs are refused immediately, as each occupies a request. Runs that agents start are never refused."""
    runs = Runs(Slots(4))
    for number in range(33):
        await runs.start(str(number), "user:me")
    with pytest.raises(NoRunSlot):
        async with runs._slots.slot(["user:me"]):  # pyright: ignore[reportPrivateUsage]
            pass
    await runs.cancel()
    called = Runs(Slots(4, level=1))
    for number in range(40):
        await called.start(str(number), "user:me")
    assert not any(task.done() for task in called.tasks)
    await called.cancel()


async def test_a_run_cancelled_while_it_gets_its_slot_releases_it() -> None:
    """When a run is cancelled at the moment at which it gets its slot, the next waiting run gets the slot."""
    slots = Slots(1)
    runs = Runs(slots)
    await runs.start("first", "user:a")
    await runs.start("second", "user:b")
    await runs.start("third", "user:c")
    runs.tasks[0].cancel()
    await asyncio.sleep(0)
    runs.tasks[1].cancel()
    for _ in range(5):
        await asyncio.sleep(0)
    assert runs.alive == ["third"]
    await runs.cancel()


@given(st.lists(st.tuples(st.sampled_from("abc"), st.booleans()), max_size=60), st.integers(1, 9))
async def test_the_limits_hold_for_any_order_of_events(steps: list[tuple[str, bool]], max_runs: int) -> None:
    """In any order of starts and cancellations, the limits are kept. At the end, all slots are free again."""
    slots = Slots(max_runs)
    runs = Runs(slots)
    for sharer, starts in steps:
        if starts or not runs.tasks:
            await runs.start(sharer, sharer)
        else:
            runs.tasks.pop(0).cancel()
            await asyncio.sleep(0)
        assert len(runs.alive) <= max_runs
        assert all(runs.alive.count(name) <= slots.share for name in "abc")
    await runs.cancel()
    for _ in range(3):
        await asyncio.sleep(0)
    assert not slots._taken  # pyright: ignore[reportPrivateUsage]
    assert not slots._alive  # pyright: ignore[reportPrivateUsage]
    assert not slots._waiting_runs  # pyright: ignore[reportPrivateUsage]

"""Watching tickets and parts through the stream of the Firestore emulator."""

import asyncio
from contextlib import ExitStack
from typing import Any

import pytest

from shared.models.part import Part
from shared.models.ticket import Ticket
from shared.store import Database, listening, watching
from tests.database_data import add_parts, store
from tests.store.listening import NOW, REQUEST, is_current, listeners_of, part, put, ticket, until


async def test_a_tickets_versions_are_reported(database: Database) -> None:
    """A watcher gets the ticket as it is, then each change, and None if it is deleted."""
    seen: list[Ticket | None] = []
    with database.tickets.watch("t", seen.append):
        await until(lambda: seen == [None])
    seen.clear()
    await store(database, ticket(), REQUEST)
    with database.tickets.watch("t", seen.append):
        await until(lambda: seen)
        assert seen == [ticket()]
        changed = ticket().lease_to("w", NOW, 30)
        await put(database, changed)
        await until(lambda: len(seen) == 2)
        assert seen[1] == changed
        await database._client.document("tickets/t").delete()  # pyright: ignore[reportPrivateUsage]
        await until(lambda: len(seen) == 3)
        assert seen[2] is None


async def test_parts_are_reported_once_and_in_order(database: Database) -> None:
    """A watcher gets the stored parts after its cursor, and then each new one, in the order of their numbers."""
    await add_parts(database, "t", *[part(n) for n in (3, 1, 2, 11)])
    seen: list[int] = []
    with database.parts.watch("t", 1, lambda part: seen.append(part.n)):
        await until(lambda: len(seen) == 3)
        for n in (12, 13):
            await add_parts(database, "t", part(n))
        await add_parts(database, "t", *[part(n) for n in (111, 20, 14)])
        await add_parts(database, "other", part(500))
        await until(lambda: len(seen) == 8)
    await add_parts(database, "t", part(112))
    assert seen == [2, 3, 11, 12, 13, 14, 20, 111]


async def test_what_is_committed_together_is_reported_together(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The end of a ticket and its last parts arrive without anything in between."""
    monkeypatch.setattr(watching, "MAX_EMULATOR_TARGETS", 2)
    await store(database, ticket(), REQUEST)
    seen: list[Any] = []
    together: list[list[Any]] = []

    def note(value: Any) -> None:
        if not seen:
            asyncio.get_running_loop().call_soon(lambda: (together.append(seen.copy()), seen.clear()))
        seen.append(value)

    with (
        database.tickets.watch("t", lambda ticket: note(ticket and ticket.last_part)),
        database.parts.watch("t", 0, lambda part: note(f"part {part.n}")),
    ):
        await until(lambda: together == [[0]])
        await put(database, ticket().with_parts(2), part(1), part(2))
        await until(lambda: len(together) == 2)
    assert sorted(map(str, together[1])) == ["2", "part 1", "part 2"]


async def test_targets_share_streams(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """A stream carries as many targets as it may, and a stream with room gets the next one."""
    monkeypatch.setattr(watching, "MAX_EMULATOR_TARGETS", 2)
    seen: list[int] = []
    with ExitStack() as stack:
        for number in range(1, 4):
            stack.enter_context(database.parts.watch("t", number - 1, lambda part: seen.append(part.n)))
            await until(lambda: is_current(database))
            assert len(listeners_of(database).open) == (1 if number < 3 else 2)
        await add_parts(database, "t", part(3))
        await until(lambda: len(seen) == 3)
    assert seen == [3, 3, 3]


async def test_hundreds_of_targets_are_watched(database: Database) -> None:
    """More targets are watched than a connection usually has streams."""
    seen: list[str] = []
    with ExitStack() as stack:
        for number in range(150):
            name = f"t{number}"
            stack.enter_context(database.parts.watch(name, 0, lambda part, name=name: seen.append(f"{name} {part.n}")))
        for number in range(0, 150, 10):
            await add_parts(database, f"t{number}", part(1))
        await until(lambda: len(seen) == 15)
    assert sorted(seen) == sorted(f"t{number} 1" for number in range(0, 150, 10))


async def test_a_callback_that_fails_affects_no_other(database: Database, caplog: pytest.LogCaptureFixture) -> None:
    """An exception in a callback is logged, and the stream goes on."""
    seen: list[int] = []

    def fail(part: Part) -> None:
        raise ValueError(part.n)

    with database.parts.watch("t", 0, fail), database.parts.watch("t", 0, lambda part: seen.append(part.n)):
        await add_parts(database, "t", part(1))
        await until(lambda: seen == [1])
        await add_parts(database, "t", part(2))
        await until(lambda: seen == [1, 2])
    assert "could not be handled" in caplog.text


async def test_a_callback_may_end_watches(database: Database) -> None:
    """A callback may end its own watch and others, which then get nothing more, even of the same snapshot."""
    await store(database, ticket(), REQUEST)
    seen: list[str] = []
    with ExitStack() as first, ExitStack() as second:

        def end_both(name: str) -> None:
            seen.append(name)
            first.close()
            second.close()

        def watch_both() -> None:
            first.enter_context(database.parts.watch("t", 0, lambda _: end_both("first")))
            second.enter_context(database.parts.watch("t", 0, lambda _: end_both("second")))

        watch_both()
        await until(lambda: is_current(database))
        await put(database, ticket().with_parts(1), part(1))
        await until(lambda: seen)
        others: list[Ticket | None] = []
        with database.tickets.watch("t", others.append):
            await until(lambda: others)
    assert len(seen) == 1


async def test_the_stream_is_closed_when_nothing_is_watched(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The stream stays open for a moment after the last watcher has left. A new watcher opens another one."""
    monkeypatch.setattr(listening, "LINGER_SECONDS", 0.2)
    seen: list[int] = []
    before = asyncio.all_tasks()
    for n in (1, 2):
        with database.parts.watch("t", 0, lambda part: seen.append(part.n)):
            await add_parts(database, "t", part(n))
            await until(lambda n=n: n in seen)
        assert listeners_of(database).open
        await until(lambda: not listeners_of(database).open)
        await until(lambda: asyncio.all_tasks() <= before)
    assert seen == [1, 1, 2]


async def test_nothing_is_reported_after_the_end_of_a_watch(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A read that began before the end reports nothing after it: its watcher may have begun to watch anew."""
    never = asyncio.Event()

    async def listen(*_: Any) -> Any:
        await never.wait()
        yield

    monkeypatch.setattr(listening, "listen", listen)
    monkeypatch.setattr(listening, "PATIENCE_SECONDS", 0.0)
    await add_parts(database, "t", part(1))
    api = database._client._firestore_api  # pyright: ignore[reportPrivateUsage]
    query, reads, go_on = api.run_query, asyncio.Event(), asyncio.Event()

    async def run_slowly(*args: Any, **kwargs: Any) -> Any:
        reads.set()
        await go_on.wait()
        return await query(*args, **kwargs)

    monkeypatch.setattr(api, "run_query", run_slowly)
    seen: list[int] = []
    with database.parts.watch("t", 0, lambda part: seen.append(part.n)):
        await reads.wait()
    go_on.set()
    polls = [poll for listener in listeners_of(database).open for poll in listener._polls]  # pyright: ignore[reportPrivateUsage]
    assert polls
    await asyncio.gather(*polls, return_exceptions=True)
    assert seen == []

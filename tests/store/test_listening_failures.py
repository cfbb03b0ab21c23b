"""Watching tickets and parts while the stream is broken, silent or refused, with the Firestore emulator."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from shared.models.ticket import Ticket
from shared.settings import Settings
from shared.store import Database, listening
from tests.database_data import add_parts, store
from tests.doubles.tcp_proxy import TcpProxy, tcp_proxy
from tests.store.listening import NOW, REQUEST, first_listener, is_current, listeners_of, part, put, ticket, until


@pytest.fixture
async def proxy(firestore_host: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[TcpProxy]:
    """Returns a proxy in front of the emulator, which the test's database uses."""
    async with tcp_proxy(firestore_host) as proxy:
        monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", proxy.host)
        yield proxy


@pytest.fixture
async def behind_proxy(proxy: TcpProxy, settings: Settings) -> Database:
    del proxy
    return Database(settings)


async def test_a_broken_stream_resumes(behind_proxy: Database, proxy: TcpProxy, database: Database) -> None:
    """When the connection breaks, watching goes on where it was: nothing is missed, and nothing is reported twice."""
    del database
    await store(behind_proxy, ticket(), REQUEST)
    versions: list[Ticket | None] = []
    seen: list[int] = []
    with (
        behind_proxy.tickets.watch("t", versions.append),
        behind_proxy.parts.watch("t", 0, lambda part: seen.append(part.n)),
    ):
        for n in (1, 3, 5):
            await add_parts(behind_proxy, "t", part(n))
            await until(lambda n=n: len(seen) == n)
            proxy.cut()
            await until(lambda: not is_current(behind_proxy))
            await add_parts(behind_proxy, "t", part(n + 1))
            await until(lambda n=n: len(seen) == n + 1)
        changed = ticket().lease_to("w", NOW, 30)
        await put(behind_proxy, changed)
        await until(lambda: versions[-1] == changed)
    assert seen == [1, 2, 3, 4, 5, 6]
    assert versions == [ticket(), changed]


async def test_a_stream_that_cannot_be_opened_is_replaced_by_reads(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While there is no stream, targets are read. When there is one again, it is used."""
    broken = True
    listen = listening.listen

    async def break_or_listen(*args: Any) -> Any:
        if broken:
            raise ConnectionError("gone")
        async for message in listen(*args):
            yield message

    monkeypatch.setattr(listening, "listen", break_or_listen)
    await store(database, ticket(), REQUEST)
    versions: list[Ticket | None] = []
    seen: list[int] = []
    with (
        database.tickets.watch("t", versions.append),
        database.parts.watch("t", 0, lambda part: seen.append(part.n)),
    ):
        await add_parts(database, "t", *[part(n) for n in range(1, 401)])
        await until(lambda: len(seen) == 400 and versions)
        changed = ticket().request_cancel(NOW)
        await put(database, changed)
        await until(lambda: len(versions) == 2)
        broken = False
        await until(lambda: is_current(database))
        await add_parts(database, "t", part(401))
        await until(lambda: len(seen) == 401)
    assert (seen, versions) == ([*range(1, 402)], [ticket(), changed])


async def test_a_silent_stream_is_replaced(
    behind_proxy: Database, proxy: TcpProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stream whose connection is dead, but was never closed, is replaced after a while."""
    monkeypatch.setattr(listening, "SILENT_SECONDS", 0.5)
    seen: list[int] = []
    with behind_proxy.parts.watch("t", 0, lambda part: seen.append(part.n)):
        await add_parts(behind_proxy, "t", part(1))
        await until(lambda: seen)
        first = first_listener(behind_proxy)._stream  # pyright: ignore[reportPrivateUsage]
        proxy.stall()
        await until(lambda: first_listener(behind_proxy)._stream is not first)  # pyright: ignore[reportPrivateUsage]
        proxy.flow()
        await add_parts(behind_proxy, "t", part(2))
        await until(lambda: len(seen) == 2)


class Refused:
    """A target that Firestore refuses at first."""

    def __init__(self, name: str) -> None:
        self.names = ["not a name", name]
        self.taken: list[dict[str, Any]] = []
        self.polls = 0

    def describe(self, message: Any) -> None:
        message.documents.documents.append(self.names.pop(0) if len(self.names) > 1 else self.names[0])

    def take(self, documents: dict[str, Any]) -> None:
        self.taken.append(documents)

    async def poll(self) -> None:
        self.polls += 1


async def test_a_target_that_the_server_removes_is_added_again(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A removed target is read until it is added again. The other targets are not affected."""
    monkeypatch.setattr(listening, "_FIRST_REMOVED_SECONDS", 2.0)
    await store(database, ticket(), REQUEST)
    project = database.project
    refused = Refused(f"projects/{project}/databases/(default)/documents/tickets/t")
    versions: list[Ticket | None] = []
    with listeners_of(database).watch(refused), database.tickets.watch("t", versions.append):
        await until(lambda: refused.taken)
        assert refused.polls
        changed = ticket().request_cancel(NOW)
        await put(database, changed)
        await until(lambda: len(refused.taken) == 2 and len(versions) == 2)
    assert [document is not None for document in refused.taken[0].values()] == [True]

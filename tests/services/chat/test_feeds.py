"""Feeds: what many readers of one ticket share, and what they may use."""

import asyncio

import pytest

from shared.models.chat import ChatResult
from shared.models.errors import TooManyRequests, Unavailable
from shared.models.ticket import Ticket
from shared.services.chat import feeds
from shared.services.chat.feeds import join_feed, open_feeds
from shared.services.chat.following import follow
from shared.store import Database
from shared.store.watching import listeners
from tests.services.chat.watching import (
    NOW,
    Watcher,
    add_running_ticket,
    finish,
    join,
    make_parts,
    say,
    show,
)


def count_targets(database: Database) -> int:
    """Returns the number of targets that are being listened to."""
    return listeners(database._client).count  # pyright: ignore[reportPrivateUsage]


async def test_readers_of_one_ticket_share_a_feed(database: Database) -> None:
    """However many follow a ticket in a process, it listens to the ticket and to its parts once."""
    ticket = await add_running_ticket(database, "a", "b")
    watchers = [Watcher(database, ticket, after) for after in (0, 1, 0, 2)]
    await watchers[0].receive(3)
    assert count_targets(database) == 2
    assert len(open_feeds(database.project).feeds) == 1
    await finish(database, ticket, "abc", 3, make_parts(ticket, ["c"], 3))
    for watcher, content in zip(watchers, ("abc", "bc", "abc", "c"), strict=True):
        assert join(await watcher.finish()) == content
    assert count_targets(database) == 0


async def test_a_reader_that_leaves_releases_everything(database: Database) -> None:
    """The feed is closed with its last reader, and what it has is forgotten."""
    ticket = await add_running_ticket(database, "a")
    first, second = Watcher(database, ticket), Watcher(database, ticket)
    await first.receive(2)
    await first.leave()
    assert count_targets(database) == 2
    await say(database, ticket, "b", first=2)
    assert join(await second.receive(3)) == "ab"
    await second.leave()
    assert count_targets(database) == 0
    assert not open_feeds(database.project).feeds
    assert not open_feeds(database.project).readers


async def test_a_reader_may_need_more_than_the_feed_has(database: Database) -> None:
    """A feed that was opened at a cursor is extended for a reader that begins before it. The first misses nothing."""
    ticket = await add_running_ticket(database, "a", "b", "c")
    late, early = Watcher(database, ticket, 2), Watcher(database, ticket, 0)
    assert join(await early.receive(4)) == "abc"
    assert join(await late.receive(2)) == "c"
    await say(database, ticket, "d", first=4)
    assert (join(await early.receive(5)), join(await late.receive(3))) == ("abcd", "cd")
    await finish(database, ticket, "abcd", 4)
    assert show(await late.finish())[1:] == [(3, {"content": "c"}), (4, {"content": "d"}), (4, "done")]
    await early.finish()


async def test_a_cursor_beyond_all_parts_hides_none_from_others(database: Database) -> None:
    """A reader with an invented cursor gets nothing until the end. Others get everything."""
    ticket = await add_running_ticket(database, "a")
    beyond, normal = Watcher(database, ticket, 500), Watcher(database, ticket)
    await normal.receive(2)
    await say(database, ticket, "b", first=2)
    await normal.receive(3)
    await finish(database, ticket, "ab", 2)
    assert join(await normal.finish()) == "ab"
    assert show(await beyond.finish())[1:] == [(2, "done")]


async def test_a_slow_reader_delays_no_other(database: Database) -> None:
    """A reader that takes nothing keeps one batch, and can read the rest when it wants to."""
    ticket = await add_running_ticket(database, "a")
    async with follow(database, ticket, 0) as slow:
        taken = [*await anext(slow), *await anext(slow)]
        assert show(taken)[1:] == [(1, {"content": "a"})]
        quick = Watcher(database, ticket)
        await quick.receive(2)
        await say(database, ticket, *"bcdef", first=2)
        await finish(database, ticket, "abcdef", 6)
        assert join(await quick.finish()) == "abcdef"
        rest = [event for batch in [batch async for batch in slow] for event in batch]
    assert join(rest) == "bcdef"


async def test_a_large_answer_comes_in_several_batches(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """A reader never has more than one batch in memory."""
    monkeypatch.setattr("shared.services.chat.following.MAX_BATCH", 1000)
    ticket = await add_running_ticket(database)
    texts = [f"{number:0500}" for number in range(10)]
    ended = await finish(database, ticket, "".join(texts), 10, make_parts(ticket, texts))
    async with follow(database, ended, 0) as batches:
        received = [batch async for batch in batches]
    assert max(map(len, received)) <= 3
    assert join([event for batch in received for event in batch]) == "".join(texts)


async def test_a_feed_is_bounded(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """A feed keeps no more than its limit. Its readers get the rest of the content at the end."""
    monkeypatch.setattr(feeds, "MAX_BYTES", 100)
    monkeypatch.setattr(feeds, "LAST_PARTS_SECONDS", 0.1)
    ticket = await add_running_ticket(database, *"ab")
    watcher = Watcher(database, ticket)
    await watcher.receive(3)
    await say(database, ticket, "c" * 200, "d", first=3)
    ended = await finish(database, ticket, "ab" + "c" * 200 + "d", 4)
    assert show(await watcher.finish())[3:] == [(4, {"content": "c" * 200 + "d"}), (4, "done")]
    assert join(await Watcher(database, ended).finish()) == ended.result.content  # pyright: ignore[reportOptionalMemberAccess]


async def test_the_readers_are_limited(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """A user may have so many readers in a process, and a process may have so many of all users."""
    monkeypatch.setattr(feeds, "MAX_READERS_PER_USER", 2)
    monkeypatch.setattr(feeds, "MAX_READERS", 3)
    mine = await add_running_ticket(database, owner="me")
    others = [await add_running_ticket(database, owner=owner) for owner in ("you", "they")]
    with join_feed(database, mine, 0), join_feed(database, mine, 0):
        with pytest.raises(TooManyRequests) as too_many, join_feed(database, mine, 0):
            pass
        assert too_many.value.retry_after
        with join_feed(database, others[0], 0):
            with pytest.raises(Unavailable) as full, join_feed(database, others[1], 0):
                pass
            assert full.value.retry_after
    with join_feed(database, mine, 0):
        pass
    assert not open_feeds(database.project).feeds


async def test_the_size_of_all_feeds_is_limited(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """Long answers of a user's tickets may take so much memory in a process, and those of all users so much."""
    monkeypatch.setattr(feeds, "MAX_BYTES_PER_USER", 2 * 3000)
    monkeypatch.setattr(feeds, "MAX_TOTAL_BYTES", 3 * 3000)
    mine = [await add_long_ticket(database, "me") for _ in range(3)]
    yours = await add_long_ticket(database, "you")
    other = await add_running_ticket(database, owner="they")
    with join_feed(database, mine[0], 0), join_feed(database, mine[1], 0):
        with pytest.raises(TooManyRequests) as too_many, join_feed(database, mine[2], 0):
            pass
        assert too_many.value.retry_after
        with join_feed(database, mine[0], 0), join_feed(database, yours, 0):
            with pytest.raises(Unavailable) as full, join_feed(database, other, 0):
                pass
            assert full.value.retry_after
        with join_feed(database, other, 0):
            pass
    assert not open_feeds(database.project).feeds


async def test_the_size_of_a_feed_includes_what_it_has_read(database: Database) -> None:
    """A result may be short while its parts are long, as a model's reasoning is."""
    ticket = await add_running_ticket(database)
    ended = await finish(database, ticket, "", 2, make_parts(ticket, ["a" * 1000, "b" * 1000]))
    with join_feed(database, ended, 0) as feed:
        while not feed.is_complete:
            await feed.changed.wait()
        assert feed.size > 2000


async def test_the_size_of_a_feed_includes_the_reasoning(database: Database) -> None:
    """It counts before anything is read."""
    ticket = await add_running_ticket(database)
    result = ChatResult(content="", thoughts={"reasoning": "a" * 1000}, model="m")
    ended = ticket.complete(result, NOW)
    with join_feed(database, ended, 0) as feed:
        assert feed.size == 3000


async def add_long_ticket(database: Database, owner: str) -> Ticket:
    """Stores a ticket that has ended with an answer of 1,000 letters."""
    return await finish(database, await add_running_ticket(database, owner=owner), "a" * 1000, 0)


async def test_readers_share_what_is_sent_to_them(database: Database) -> None:
    """However many read an answer, its texts are in memory once."""
    ticket = await add_running_ticket(database)
    ended = await finish(database, ticket, "ab", 2, make_parts(ticket, ["a", "b"]))
    first, second = [Watcher(database, ended) for _ in range(2)]
    for one, other in zip(await first.finish(), await second.finish(), strict=True):
        assert one.name == "status" or one.data is other.data


async def test_parts_are_read_again_while_the_database_is_unavailable(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A reader of a finished ticket waits for the database."""
    monkeypatch.setattr(feeds, "_RETRY_SECONDS", 0.05)
    ticket = await add_running_ticket(database, "a")
    ended = await finish(database, ticket, "a", 1)
    parts = database.parts
    listed, calls = parts.list, 0

    async def fail_once(ticket_id: str, after: int, limit: int) -> object:
        nonlocal calls
        calls += 1
        if calls == 1:
            raise Unavailable("gone")
        return await listed(ticket_id, after, limit)

    monkeypatch.setattr(parts, "list", fail_once)
    assert join(await Watcher(database, ended).finish()) == "a"
    assert calls == 2


async def test_a_feed_that_is_closed_early_leaves_no_task(database: Database) -> None:
    """A reader may leave before anything has arrived."""
    ticket = await add_running_ticket(database, "a")
    ended = await finish(database, ticket, "a", 1)
    before = asyncio.all_tasks()
    for each in (ticket, ended):
        with join_feed(database, each, 0):
            pass
    await asyncio.sleep(0)
    new = {task for task in asyncio.all_tasks() - before if "_find_last_parts" in repr(task)}
    assert not new

"""Following tickets: which events a reader gets, from any cursor, whatever happens to the ticket."""

import json

import pytest

from shared.models.part import Delta, Part, PartKind
from shared.store import Database
from tests.services.chat.watching import (
    NOW,
    Watcher,
    add_running_ticket,
    add_ticket,
    finish,
    join,
    make_parts,
    put,
    say,
    show,
    watch,
)

ATTEMPT_2 = 1_000_000
RUNNING = (None, {"status": "processing", "attempt": 1})


async def test_an_answer_is_followed_while_it_is_given(database: Database) -> None:
    """A reader gets the status, each part as it is written, and the ticket at the end. The parts are the content."""
    ticket = await add_ticket(database)
    watcher = Watcher(database, ticket)
    assert show(await watcher.receive(1)) == [(None, {"status": "pending", "attempt": 0})]
    ticket = ticket.lease_to("worker", NOW, 30)
    await put(database, ticket)
    assert show(await watcher.receive(2))[1:] == [RUNNING]
    await say(database, ticket, "Hello ")
    assert show(await watcher.receive(3))[2:] == [(1, {"content": "Hello "})]
    await say(database, ticket, "🌍", first=2)
    await watcher.receive(4)
    await finish(database, ticket, "Hello 🌍\n\u2028!", 3, make_parts(ticket, ["\n\u2028!"], 3))
    events = await watcher.finish()
    assert show(events)[3:] == [(2, {"content": "🌍"}), (3, {"content": "\n\u2028!"}), (3, "done")]
    done = json.loads(events[-1].data)
    assert (done["ticket_id"], done["status"], done["result"]["content"]) == (ticket.id, "completed", join(events))
    assert not any(set(event.data) & set("\n\r\u2028\u2029\x85") for event in events)


async def test_all_kinds_of_parts_have_their_events(database: Database) -> None:
    """Reasoning is a delta of its own kind, and tool calls are events of another name."""
    ticket = await add_running_ticket(database)
    calls = [{"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}]
    deltas = [Delta(PartKind.REASONING, "hm"), Delta(PartKind.CONTENT, "so"), Delta(PartKind.TOOL, tool_calls=calls)]
    ended = await finish(database, ticket, "so", 3, [Part.of(n + 1, 1, delta) for n, delta in enumerate(deltas)])
    events = await watch(database, ended)
    assert [event.name for event in events] == ["delta", "delta", "tool", "done"]
    assert show(events)[:-1] == [(1, {"reasoning": "hm"}), (2, {"content": "so"}), (3, {"tool_calls": calls})]


@pytest.mark.parametrize("is_finished", [False, True])
async def test_a_reader_resumes_at_every_cursor(database: Database, is_finished: bool) -> None:
    """From any cursor, a reader gets what follows it, before and after the end. Beyond that, it gets only `done`."""
    texts = ["a", "b", "c", "d"]
    ticket = await add_running_ticket(database, *texts)
    watchers: list[Watcher] = []
    if not is_finished:
        watchers = [Watcher(database, ticket, after) for after in (3, 0, 2, 1, 4, 9)]
        await watchers[1].receive(5)
    ended = await finish(database, ticket, "abcd", 4)
    watchers = watchers or [Watcher(database, ended, after) for after in (3, 0, 2, 1, 4, 9)]
    for watcher, after in zip(watchers, (3, 0, 2, 1, 4, 9), strict=True):
        shown = [event for event in show(await watcher.finish()) if event != RUNNING]
        assert shown == [*((n, {"content": texts[n - 1]}) for n in range(after + 1, 5)), (4, "done")]


async def test_another_attempt_begins_the_answer_again(database: Database) -> None:
    """When parts become void, a reader that may have them is told to discard them. Others only learn of the attempt."""
    ticket = await add_running_ticket(database, "lost ", "words")
    early, late = Watcher(database, ticket), Watcher(database, ticket, 2)
    await early.receive(3)
    ticket = ticket.release(NOW)
    await put(database, ticket)
    await early.receive(4)
    ticket = ticket.lease_to("other", NOW, 30)
    await put(database, ticket)
    await early.receive(5)
    ended = await finish(database, ticket, "found", ATTEMPT_2 + 1, make_parts(ticket, ["found"]))
    restart = (ATTEMPT_2, {"status": "processing", "attempt": 2, "restart": True})
    rest = [(ATTEMPT_2 + 1, {"content": "found"}), (ATTEMPT_2 + 1, "done")]
    assert show(await early.finish())[3:] == [(None, {"status": "pending", "attempt": 1}), restart, *rest]
    assert show(await late.finish())[-3:] == [restart, *rest]
    assert join(early.events) == "found"
    assert show(await watch(database, ended)) == rest
    completed = (ATTEMPT_2, {"status": "completed", "attempt": 2, "restart": True})
    assert show(await watch(database, ended, 1)) == [completed, *rest]
    assert show(await watch(database, ended, ATTEMPT_2)) == rest


async def test_void_parts_may_be_reported_after_those_that_follow_them(database: Database) -> None:
    """A reader that has a new part before it learns that the earlier ones are void begins again with that part."""
    ticket = await add_running_ticket(database, "never ", "mind ")
    watcher = Watcher(database, ticket)
    await watcher.receive(3)
    await say(database, ticket, "instead", first=3)
    await watcher.receive(4)
    await finish(database, ticket, "instead", 3, void_parts=2)
    assert join(await watcher.finish()) == "instead"


async def test_void_parts_do_not_belong_to_the_result(database: Database) -> None:
    """If the result does not begin with what was said, a reader begins again: live, and from any void cursor."""
    ticket = await add_running_ticket(database, "never ", "mind")
    watcher = Watcher(database, ticket)
    await watcher.receive(3)
    ended = await finish(database, ticket, "instead", 3, make_parts(ticket, ["instead"], 3), void_parts=2)
    restart = (2, {"status": "completed", "attempt": 1, "restart": True})
    rest = [(3, {"content": "instead"}), (3, "done")]
    assert show(await watcher.finish())[3:] == [restart, *rest]
    assert show(await watch(database, ended)) == rest
    for void in (1, 2):
        assert show(await watch(database, ended, void)) == [restart, *rest]


@pytest.mark.parametrize("kept", [(), (2,), (1, 3)])
async def test_expired_parts_are_replaced_by_the_result(database: Database, kept: tuple[int, ...]) -> None:
    """If not all parts exist any longer, a reader at the beginning gets the content at once, others only the end."""
    ticket = await add_running_ticket(database)
    parts = [part for part in make_parts(ticket, ["a", "b", "c"]) if part.n in kept]
    ended = await finish(database, ticket, "abc", 3, parts)
    assert show(await watch(database, ended)) == [(3, {"content": "abc"}), (3, "done")]
    expected = [(3, {"content": "c"}), (3, "done")] if 3 in kept else [(3, "done")]
    assert show(await watch(database, ended, 2)) == expected
    assert show(await watch(database, ended, 3)) == [(3, "done")]


async def test_a_live_reader_gets_the_rest_if_parts_are_missing(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If parts do not come although the ticket has ended, a reader gets what is missing of the content."""
    monkeypatch.setattr("shared.services.chat.feeds.LAST_PARTS_SECONDS", 0.1)
    ticket = await add_running_ticket(database, "Hello ")
    watcher = Watcher(database, ticket)
    await watcher.receive(2)
    await finish(database, ticket, "Hello world!", 9)
    assert show(await watcher.finish())[2:] == [(9, {"content": "world!"}), (9, "done")]


async def test_a_ticket_without_parts_has_its_content_as_one(database: Database) -> None:
    """The tickets of earlier versions have no parts: their content is the first one."""
    ticket = await add_running_ticket(database)
    watcher = Watcher(database, ticket)
    await watcher.receive(1)
    ended = await finish(database, ticket, "whole", 0)
    expected = [(1, {"content": "whole"}), (1, "done")]
    assert show(await watcher.finish())[1:] == expected
    assert show(await watch(database, ended)) == expected
    for after in (1, 5):
        assert show(await watch(database, ended, after)) == [(1, "done")]
    empty = await finish(database, await add_running_ticket(database), "", 0)
    assert show(await watch(database, empty)) == [(0, "done")]


async def test_a_result_without_parts_replaces_what_was_said(database: Database) -> None:
    """If a ticket ends with a result that has no parts after all, a reader that has some begins again."""
    ticket = await add_running_ticket(database, "Hel")
    watcher = Watcher(database, ticket)
    await watcher.receive(2)
    await finish(database, ticket, "Hello", 0)
    assert show(await watcher.finish())[2:] == [
        (0, {"status": "completed", "attempt": 1, "restart": True}),
        (1, {"content": "Hello"}),
        (1, "done"),
    ]


async def test_a_failed_ticket_has_only_its_end(database: Database) -> None:
    """A ticket without a result has no deltas after its end. A live reader keeps what it has."""
    ticket = await add_running_ticket(database, "almost")
    watcher = Watcher(database, ticket)
    await watcher.receive(2)
    ended = ticket.fail("It broke.", NOW)
    await put(database, ended)
    events = await watcher.finish()
    assert show(events)[1:] == [(1, {"content": "almost"}), (1, "done")]
    assert json.loads(events[-1].data)["error"] == "It broke."
    assert show(await watch(database, ended)) == [(0, "done")]


async def test_a_deleted_ticket_ends_its_events(database: Database) -> None:
    """If the ticket is deleted, its events end without `done`."""
    ticket = await add_running_ticket(database, "a")
    watcher = Watcher(database, ticket)
    await watcher.receive(2)
    await database._client.collection("tickets").document(ticket.id).delete()  # pyright: ignore[reportPrivateUsage]
    assert len(await watcher.finish()) == 2

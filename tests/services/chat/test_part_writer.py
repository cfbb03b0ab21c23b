"""What a model says is stored as numbered parts while it says it, with the Firestore emulator."""

import asyncio
from typing import Any

import pytest
from google.api_core.exceptions import InvalidArgument, ServiceUnavailable
from hypothesis import given
from hypothesis import strategies as st

from shared.llm.failures import ModelFailure
from shared.models.chat import ChatResult, TicketStatus
from shared.models.errors import TooEarly, Unavailable
from shared.models.part import PARTS_PER_ATTEMPT, Delta, PartKind
from shared.services.chat import part_writer
from shared.services.chat.part_writer import WRITE_BYTES, Pace
from shared.services.chat.texts import MAX_PART_CHARACTERS
from shared.store import Database
from tests.database_faults import lose_responses
from tests.services.chat.deliveries import Worker
from tests.services.chat.speaking import Speaker, join, list_parts, wait_for_parts

CHUNKS = st.lists(st.tuples(st.floats(0, 2), st.integers(1, 5000)), min_size=1, max_size=60)


@given(CHUNKS)
def test_there_are_at_most_four_writes_in_a_second(chunks: list[tuple[float, int]]) -> None:
    """However fast and in whatever pieces a text arrives, no second has more than four writes."""
    pace, moment, waiting = Pace(), 0.0, 0
    pace.begin(moment)
    writes: list[float] = []
    for pause, size in chunks:
        end = moment + pause
        while waiting and (due := moment + pace.delay(moment, waiting)) <= end:
            moment, waiting = due, 0
            writes.append(moment)
            pace.note(moment, 1)
        moment, waiting = end, waiting + size
    assert all(later - earlier >= 1 - 1e-9 for earlier, later in zip(writes, writes[4:], strict=False))


def test_writes_follow_at_short_intervals() -> None:
    """The first write is due almost at once, the next after 300 ms, or at once if 2 KB are waiting."""
    pace = Pace()
    pace.begin(10.0)
    assert 0 < pace.delay(10.0, 1) < 0.02
    pace.note(10.0, 1)
    assert pace.delay(10.1, 1) == pytest.approx(0.2)
    assert pace.delay(10.1, WRITE_BYTES) == 0
    assert pace.delay(10.31, 1) == 0


async def test_the_first_words_are_stored_while_the_model_speaks(worker: Worker) -> None:
    """They are readable before the ticket has a result. The ticket's parts, joined, are then the result."""
    speaker = Speaker(["Guten ", "Tag, ", "Wel", "t 🌍"], free=1)
    ticket_id = await worker.create_ticket("hi")
    delivery = asyncio.create_task(worker.deliver(ticket_id, speaker))
    parts = await wait_for_parts(worker.database, ticket_id)
    assert [(part.n, part.attempt, part.content) for part in parts] == [(1, 1, "Guten ")]
    assert (await worker.get_ticket(ticket_id)).status is TicketStatus.PROCESSING
    speaker.go_on.set()
    await delivery
    ticket, parts = await worker.get_ticket(ticket_id), await list_parts(worker.database, ticket_id)
    assert ticket.result is not None
    assert join(parts) == ticket.result.content == "Guten Tag, Welt 🌍"
    assert [part.n for part in parts] == list(range(1, len(parts) + 1))
    assert (ticket.last_part, ticket.parts_start) == (parts[-1].n, 0)


async def test_an_answer_that_arrives_at_once_is_one_part(worker: Worker) -> None:
    """It is stored in the same commit as the result. Its tool calls are a part of their own."""
    call = {"id": "1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    thoughts = {"reasoning": "Well.", "tool_calls": [call]}
    result = ChatResult(content="whole", thoughts=thoughts, model="m")
    ticket_id = await worker.create_ticket("hi")
    await worker.deliver(ticket_id, Speaker([], result=result))
    parts = await list_parts(worker.database, ticket_id)
    assert [part.delta for part in parts] == [
        Delta(PartKind.REASONING, "Well."),
        Delta(PartKind.CONTENT, "whole"),
        Delta(PartKind.TOOL, tool_calls=[call]),
    ]
    assert (await worker.get_ticket(ticket_id)).last_part == 3


async def test_a_long_answer_is_stored_in_parts_that_fit(worker: Worker) -> None:
    """The longest answer that can be stored is split, and its parts, joined, are the result."""
    content = "ab" * 450_000
    ticket_id = await worker.create_ticket("hi")
    await worker.deliver(ticket_id, Speaker([], result=ChatResult(content=content, model="m")))
    parts = await list_parts(worker.database, ticket_id)
    assert join(parts) == content
    assert [len(part.content or "") for part in parts] == [MAX_PART_CHARACTERS] * 3 + [150_000]


@pytest.mark.parametrize("error", [ServiceUnavailable("gone")])
async def test_a_lost_response_duplicates_and_loses_nothing(worker: Worker, error: Exception) -> None:
    """If the response to the commit of a part is lost, the parts are still exactly the result."""
    speaker = Speaker(["One ", "two ", "three"], free=1)
    ticket_id = await worker.create_ticket("hi")
    lose_responses(worker.database, error, 2)  # the first commit takes the lease
    delivery = asyncio.create_task(worker.deliver(ticket_id, speaker))
    await wait_for_parts(worker.database, ticket_id)
    speaker.go_on.set()
    await delivery
    ticket, parts = await worker.get_ticket(ticket_id), await list_parts(worker.database, ticket_id)
    assert [part.content for part in parts] == ["One ", "two three"]
    assert ticket.last_part == 2


async def test_the_parts_of_another_attempt_have_other_numbers(worker: Worker) -> None:
    """An attempt that broke off leaves its parts. Those of the next attempt come after them, and only they count."""

    class BreaksOff(Speaker):
        async def __call__(self, *args: Any) -> ChatResult:
            await super().__call__(*args)
            await asyncio.sleep(0.1)
            raise ModelFailure("The model broke off.", transient=True)

    ticket_id = await worker.create_ticket("hi")
    with pytest.raises(TooEarly):
        await worker.deliver(ticket_id, BreaksOff(["Half an an"]))
    await worker.deliver(ticket_id, Speaker(["A whole answer"]))
    ticket, parts = await worker.get_ticket(ticket_id), await list_parts(worker.database, ticket_id)
    assert [(part.n, part.attempt, part.content) for part in parts] == [
        (1, 1, "Half an an"),
        (PARTS_PER_ATTEMPT + 1, 2, "A whole answer"),
    ]
    assert (ticket.parts_start, ticket.last_part) == (PARTS_PER_ATTEMPT, PARTS_PER_ATTEMPT + 1)


async def test_parts_that_the_result_contradicts_are_void(worker: Worker) -> None:
    """If the result is not what was said, the whole result follows in new parts, and the earlier ones do not count."""
    speaker = Speaker(["<think>", "hm"], free=1, result=ChatResult(content="Hello.", model="m"))
    ticket_id = await worker.create_ticket("hi")
    delivery = asyncio.create_task(worker.deliver(ticket_id, speaker))
    await wait_for_parts(worker.database, ticket_id)
    speaker.go_on.set()
    await delivery
    ticket, parts = await worker.get_ticket(ticket_id), await list_parts(worker.database, ticket_id)
    assert [part.content for part in parts if part.n > ticket.parts_start] == ["Hello."]
    assert (ticket.parts_start, ticket.last_part) == (1, 2)


async def check_whole_answer(worker: Worker, ticket_id: str, content: str) -> None:
    """Checks that the ticket has this content, and that its parts that count are it, in documents that are stored."""
    ticket, parts = await worker.get_ticket(ticket_id), await list_parts(worker.database, ticket_id)
    assert ticket.result is not None
    assert ticket.result.content == content == join([part for part in parts if part.n > ticket.parts_start])
    assert parts[-1].n == ticket.last_part


@pytest.mark.parametrize(
    ("error", "numbers"),
    [
        pytest.param(Unavailable("gone"), [1, 2], id="in an outage"),
        pytest.param(InvalidArgument("a bug"), [2], id="unexpectedly"),
    ],
)
async def test_parts_that_cannot_be_written_do_not_fail_the_answer(
    worker: Worker, monkeypatch: pytest.MonkeyPatch, error: Exception, numbers: list[int]
) -> None:
    """The answer is completed, and what is missing is written with it, once: all of it after an unexpected error."""
    change, has_failed = Database.change, asyncio.Event()

    async def fail_or_change(self: Database, group: str, *args: Any, **kwargs: Any) -> Any:
        if group == "parts":
            has_failed.set()
            raise error
        return await change(self, group, *args, **kwargs)

    monkeypatch.setattr(Database, "change", fail_or_change)
    speaker = Speaker(["One ", "two ", "three"], free=1)
    ticket_id = await worker.create_ticket("hi")
    delivery = asyncio.create_task(worker.deliver(ticket_id, speaker))
    await has_failed.wait()
    speaker.go_on.set()
    await delivery
    await check_whole_answer(worker, ticket_id, "One two three")
    assert [part.n for part in await list_parts(worker.database, ticket_id)] == numbers


async def test_a_very_long_answer_stops_being_stored_in_parts(worker: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond the maximum size, nothing is kept in memory or written. If there is a result, its parts are the result."""
    monkeypatch.setattr(part_writer, "MAX_BYTES", 100)
    speaker = Speaker(["a" * 60, "b" * 60, "c" * 60], free=1)
    ticket_id = await worker.create_ticket("hi")
    delivery = asyncio.create_task(worker.deliver(ticket_id, speaker))
    await wait_for_parts(worker.database, ticket_id)
    speaker.go_on.set()
    await delivery
    await check_whole_answer(worker, ticket_id, "a" * 60 + "b" * 60 + "c" * 60)
    parts = await list_parts(worker.database, ticket_id)
    assert [len(part.content or "") for part in parts] == [60, 180]


async def test_answers_in_one_process_write_their_parts_together(worker: Worker) -> None:
    """While parts are being committed, those of other answers wait, and are then committed together."""
    speakers = [Speaker([f"{number} speaks", "."], free=1) for number in range(30)]
    ids = [await worker.create_ticket("hi") for _ in speakers]
    commits = count_commits_of_parts(worker)
    deliveries = [
        asyncio.create_task(worker.deliver(ticket_id, speaker, model_chats_at_once=0))
        for ticket_id, speaker in zip(ids, speakers, strict=True)
    ]
    for ticket_id in ids:
        assert [part.n for part in await wait_for_parts(worker.database, ticket_id)] == [1]
    assert len(commits) < 30
    assert sum(commits) == 30
    for speaker in speakers:
        speaker.go_on.set()
    await asyncio.gather(*deliveries)
    for number, ticket_id in enumerate(ids):
        await check_whole_answer(worker, ticket_id, f"{number} speaks.")


async def test_large_tool_calls_delay_no_other_answer(worker: Worker) -> None:
    """The parts that are committed together fit into one commit, whatever they contain."""
    arguments = "x" * 400_000
    calls = [{"id": "1", "type": "function", "function": {"name": "f", "arguments": arguments}}]
    large = [await worker.create_ticket("hi") for _ in range(12)]
    small = await worker.create_ticket("hi")
    speakers = [CallsTools(calls) for _ in large]
    speaker = Speaker(["Hi", "."], free=1)
    deliveries = [
        asyncio.create_task(worker.deliver(ticket_id, each, model_chats_at_once=0))
        for ticket_id, each in zip([*large, small], [*speakers, speaker], strict=True)
    ]
    for ticket_id in [*large, small]:
        assert len(await wait_for_parts(worker.database, ticket_id)) == 1
    for each in [*speakers, speaker]:
        each.go_on.set()
    await asyncio.gather(*deliveries)


class CallsTools(Speaker):
    """A model that calls tools, and then says nothing until it may go on."""

    def __init__(self, tool_calls: list[dict[str, Any]]) -> None:
        super().__init__([""], free=0)
        self.tool_calls = tool_calls

    async def __call__(self, *args: Any) -> ChatResult:
        args[3].follow(Delta(PartKind.TOOL, tool_calls=self.tool_calls))
        await super().__call__(*args)
        return ChatResult(content="", thoughts={"tool_calls": self.tool_calls}, model="m")


def count_commits_of_parts(worker: Worker) -> list[int]:
    """Returns a list that gets the number of parts in each commit from now on that writes only parts."""
    api = worker.database._client._firestore_api  # pyright: ignore[reportPrivateUsage]
    commit, counts = api.commit, list[int]()

    async def count_and_commit(*args: Any, **kwargs: Any) -> Any:
        request = kwargs["request"] if "request" in kwargs else args[0]
        names = [write.update.name for write in request.writes]
        if names and all("/parts/" in name for name in names):
            counts.append(len(names))
        return await commit(*args, **kwargs)

    api.commit = count_and_commit
    return counts

"""Responses that go on from others: by the id of a response, and by references to its items."""

from typing import Any

import openai
import pytest

from shared.models.caller import LOCAL_USER, Caller
from shared.services.chat.tickets import TicketService
from shared.services.openai_api.references import MAX_RESPONSES
from shared.store import Database
from tests.doubles.model_server import Answer, ModelServer
from tests.doubles.openai_streams import CALL, WEATHER, stream_of
from tests.functions.openai_service import MODEL, Service, check
from tests.functions.openai_service import service as service

TOOLS: list[Any] = [{"type": "function", **WEATHER, "strict": False}]
KEY = {"Idempotency-Key": "k1"}


def refer(item: Any) -> dict[str, Any]:
    """Returns a reference to an item of an earlier response, as the Vercel AI SDK sends it instead of the item."""
    return {"type": "item_reference", "id": item.id}


async def respond(service: Service, items: Any, **options: Any) -> Any:
    fields: dict[str, Any] = {"model": MODEL, "input": items, **options}
    return check(await service.client.responses.create(**fields))


async def test_a_repeated_request_gets_its_answer_after_what_it_continued_is_gone(
    service: Service, model_server: ModelServer
) -> None:
    """The same request with the same key gets the first one's response, although the response before was deleted."""
    first = await respond(service, "one")
    options: dict[str, Any] = {"previous_response_id": first.id, "extra_headers": KEY}
    second = await respond(service, "two", **options)
    assert await respond(service, "two", **options) == second
    await service.client.responses.delete(first.id)
    assert await respond(service, "two", **options) == second
    with pytest.raises(openai.ConflictError):
        await respond(service, "three", **options)
    with pytest.raises(openai.NotFoundError):
        await respond(service, "two", previous_response_id=first.id, extra_headers={"Idempotency-Key": "k2"})
    assert len(model_server.calls) == 2
    await service.client.responses.delete(second.id)
    with pytest.raises(openai.NotFoundError):
        await respond(service, "two", **options)


async def test_items_by_reference(service: Service, model_server: ModelServer) -> None:
    """A reference stands for the message or the call of an earlier response. Thoughts are left out."""
    said = stream_of({"reasoning_content": "Hm."}, {"content": "Let me see."}, {"tool_calls": [{"index": 0, **CALL}]})
    model_server.script("hi", said, Answer("It rains."))
    first = await respond(service, "hi", tools=TOOLS)
    assert [item.type for item in first.output] == ["reasoning", "message", "function_call"]
    output = {"type": "function_call_output", "call_id": "call_1", "output": "rain"}
    items: list[Any] = [{"role": "user", "content": "hi"}, *map(refer, first.output), output]
    second = await respond(service, items, tools=TOOLS)
    assert second.output_text == "It rains."
    await respond(service, [*items, *map(refer, second.output), {"role": "user", "content": "And then?"}], tools=TOOLS)
    sent = model_server.calls[2].body["messages"]
    assert [message["role"] for message in sent] == ["user", "assistant", "tool", "assistant", "user"]
    assert (sent[1]["content"], sent[1]["tool_calls"]) == ("Let me see.", [CALL])
    assert sent[3]["content"] == "It rains."


@pytest.mark.parametrize("id_", ["msg_1", "", 7, None, "msg_0b6f0d0e5d0b4c568f5e6f7f3f1c2a10", "fc_{}_7", "msg_{}x"])
async def test_a_reference_to_an_unknown_item(service: Service, id_: Any) -> None:
    """A reference to an item that does not exist is a 404 that names it."""
    first = await respond(service, "hi")
    id_ = id_.format(first.id.removeprefix("resp_")) if isinstance(id_, str) else id_
    with pytest.raises(openai.NotFoundError) as raised:
        await respond(service, [{"role": "user", "content": "hi"}, {"type": "item_reference", "id": id_}])
    assert (raised.value.code, raised.value.param) == ("item_not_found", "input[1].id")


async def test_references_to_too_many_responses(service: Service) -> None:
    """A request that refers to items of more responses than are read for it is a 400."""
    references = [{"type": "item_reference", "id": f"msg_{number:032x}"} for number in range(MAX_RESPONSES + 1)]
    with pytest.raises(openai.BadRequestError, match="limit is 200") as raised:
        await respond(service, references)
    assert raised.value.param == "input"


async def test_items_of_other_users(service: Service, database: Database) -> None:
    """Nobody but its owner can refer to an item."""
    first = await respond(service, "hi")
    (ticket,), _ = await database.tickets.page(LOCAL_USER, 10)

    async def give_away(transaction: Any) -> None:
        assert await database.tickets.get(ticket.id, transaction)
        database.tickets.put(ticket.model_copy(update={"owner": "somebody"}), transaction)

    await database.transaction(give_away)
    with pytest.raises(openai.NotFoundError):
        await respond(service, [*map(refer, first.output), {"role": "user", "content": "hi"}])
    assert await TicketService(database).get(Caller(uid="somebody"), ticket.id)


async def test_a_repeated_request_with_references(service: Service, model_server: ModelServer) -> None:
    """The same request with the same key gets the same response, although what it refers to was deleted."""
    first = await respond(service, "one")
    items = [*map(refer, first.output), {"role": "user", "content": "two"}]
    second = await respond(service, items, extra_headers=KEY)
    await service.client.responses.delete(first.id)
    assert await respond(service, items, extra_headers=KEY) == second
    assert len(model_server.calls) == 2

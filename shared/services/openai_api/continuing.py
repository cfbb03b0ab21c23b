"""Submits responses, which may go on from earlier ones: from a conversation, or from items that they refer to."""

from typing import Any

from shared.models.caller import Caller
from shared.models.chat import TicketStatus
from shared.models.openai_api.errors import InvalidRequest, ItemNotFound, ResponseNotFound
from shared.models.openai_api.response_request import ResponseRequest
from shared.services.openai_api.references import has_references, resolve_references
from shared.services.openai_api.requests import RequestReader, read_history
from shared.services.openai_api.results import read_result
from shared.services.openai_api.service import OpenAiService, Stored

PATH = "/v1/responses"


async def submit_response(
    service: OpenAiService, reader: RequestReader, caller: Caller, request: ResponseRequest, key: str | None
) -> Stored:
    """Admits a response. Raises what `RequestReader.read_response`, `OpenAiService.submit` and the functions below do.

    A request that is repeated with its key gets the first one's response, even if what it went on from is gone by now.
    So its own body tells whether it is the same, rather than the conversation.
    """
    reader.refuse_contradictions(request)
    if request.previous_response_id is None and not has_references(request.input):
        return await service.submit(caller, reader.read_response(request, []), key, PATH)
    body = request.model_dump(mode="json")
    try:
        history = await _read_history(service, caller, request.previous_response_id)
        if not isinstance(request.input, str) and has_references(request.input):
            items = await resolve_references(service.tickets, caller, request.input)
            request = request.model_copy(update={"input": items})
    except (ResponseNotFound, ItemNotFound):
        if key is None or (stored := await service.find_again(caller, key, PATH, body)) is None:
            raise
        return stored
    return await service.submit(caller, reader.read_response(request, history), key, PATH, body)


async def _read_history(service: OpenAiService, caller: Caller, response_id: str | None) -> list[dict[str, Any]]:
    """Returns the conversation that ended with a response, as messages. Two reads, and one per chunk of images.

    Raises `ResponseNotFound`, and `InvalidRequest` if the response has not been completed.
    """
    if response_id is None:
        return []
    stored = await service.find(caller, response_id, "previous_response_id", with_images=True)
    if stored.ticket.status is not TicketStatus.COMPLETED:
        raise InvalidRequest(
            f"The previous response is {stored.ticket.status}; only a completed one can be continued.",
            "previous_response_id",
        )
    messages = [message.model_dump(mode="json", exclude_none=True) for message in read_history(stored.request)]
    result = read_result(stored.ticket)
    if result.content or result.calls:
        calls = [{"id": call.id, "name": call.name, "arguments": call.arguments} for call in result.calls]
        messages.append({"role": "assistant", "content": result.content, "tool_calls": calls})
    return messages

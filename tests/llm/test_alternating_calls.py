"""Streams that a followed call may get, although they are unusual."""

from typing import Any

from shared.llm.live import LiveCall
from tests.doubles.model_server import Wire
from tests.doubles.provider_responses import DONE, delta
from tests.llm.conftest import Providers
from tests.llm.forms_streamed import Followed


def call(index: int, **function: str) -> dict[str, Any]:
    return {"index": index, "id": f"call_{index}", "type": "function", "function": function}


async def test_the_parts_of_two_tool_calls_may_alternate(providers: Providers) -> None:
    """Each call is passed on at most once, and only when it is complete: as it is in the result."""
    pieces = [delta(tool_calls=[call(index, name="f", arguments="{")]) for index in range(2)]
    pieces += [delta(tool_calls=[call(index, arguments="}")]) for index in range(2)]
    followed = Followed()
    body = [*pieces, delta("tool_calls"), DONE]
    step = Wire(body, content_type="text/event-stream")
    result = await providers.ask("openrouter", step, live=LiveCall(followed.follow))
    assert result.thoughts is not None
    calls = result.thoughts["tool_calls"]
    assert followed.tool_calls == calls[: len(followed.tool_calls)]

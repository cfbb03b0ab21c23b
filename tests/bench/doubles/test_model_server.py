"""The lean model server."""

import asyncio
import json
import time

from bench.doubles.model_server import COMPLETION_TOKENS, PROMPT_TOKENS, ModelServer, Pace, write_token, write_tokens
from bench.http import Connection, write_request


async def _ask(server: ModelServer, base_url: str, **body: object) -> bytes:
    connection = await Connection.open(int(base_url.split(":")[2].partition("/")[0]))
    response = await connection.send(write_request("POST", "/v1/chat/completions", body=json.dumps(body).encode()))
    connection.close()
    await server.stop()
    return response.body


async def test_an_answer_comes_after_the_delay() -> None:
    """It reports its usage."""
    server = ModelServer()
    base_url = await server.start()
    await server.set_delay(0.05)
    began = time.perf_counter()
    answer = json.loads(await _ask(server, base_url, model="m", messages=[]))
    assert time.perf_counter() - began >= 0.05
    assert answer["choices"][0]["message"]["content"] == "Hello from the model."
    assert (answer["usage"]["prompt_tokens"], answer["usage"]["completion_tokens"]) == (
        PROMPT_TOKENS,
        COMPLETION_TOKENS,
    )
    assert (await server.take_calls(), await server.take_calls()) == (1, 0)


async def test_a_stream_is_the_same_answer() -> None:
    """It ends with its usage."""
    server = ModelServer()
    body = await _ask(server, await server.start(), model="m", stream=True, messages=[])
    events = [line.removeprefix("data: ") for line in body.decode().split("\n\n") if line]
    assert events[-1] == "[DONE]"
    chunks = [json.loads(event) for event in events[:-1]]
    text = "".join(choice["delta"].get("content", "") for chunk in chunks for choice in chunk["choices"])
    assert text == "Hello from the model."
    assert chunks[-1]["usage"]["total_tokens"] == PROMPT_TOKENS + COMPLETION_TOKENS


async def _ask_slowly(base_url: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = await asyncio.open_connection("127.0.0.1", int(base_url.split(":")[2].partition("/")[0]))
    body = {"model": "m", "stream": True, "messages": [{"role": "user", "content": "slowly"}]}
    writer.write(write_request("POST", "/v1/chat/completions", body=json.dumps(body).encode()))
    return reader, writer


async def test_a_slow_stream_arrives_token_by_token() -> None:
    """The call's record has the time of its first token and of its end."""
    server = ModelServer()
    await server.set_pace(Pace(3, 0.01, before_first=0.02))
    reader, writer = await _ask_slowly(await server.start())
    received = await reader.readuntil(b"\r\n0\r\n\r\n")
    writer.close()
    await server.stop()
    assert [f'"content": "{write_token(number)}"' in received.decode() for number in range(4)] == [True] * 3 + [False]
    (call,) = await server.get_slow_calls()
    assert (call.prompt, call.sent, call.is_complete) == ("slowly", 3, True)
    assert call.first is not None
    assert call.ended is not None
    assert call.began + 0.02 <= call.first <= call.ended
    assert call.began + 0.04 <= call.ended
    assert write_tokens(3) == "0 1 2 "


async def test_a_closed_connection_ends_a_slow_stream() -> None:
    """The record says when, and that the answer is not complete."""
    server = ModelServer()
    await server.set_pace(Pace(1000, 0.01))
    reader, writer = await _ask_slowly(await server.start())
    await reader.readuntil(b"data: ")
    (call,) = await server.get_slow_calls()
    assert call.ended is None
    writer.close()
    async with asyncio.timeout(10):
        while call.ended is None:  # noqa: ASYNC110 - the server has no event for it
            await asyncio.sleep(0.01)
    await server.stop()
    assert call.sent < 1000
    assert not call.is_complete

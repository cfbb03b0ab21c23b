"""The lean model server."""

import json
import time

from bench.doubles.model_server import COMPLETION_TOKENS, PROMPT_TOKENS, ModelServer
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

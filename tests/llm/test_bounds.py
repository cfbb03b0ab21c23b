"""Limits for the length and speed of responses, and for the memory that reading them takes."""

import gzip
import json
import zlib
from pathlib import Path
from typing import Any

import pytest

from shared.llm import event_stream, exchange
from shared.llm.catalog.data import load_curated
from tests.doubles.model_server import Wire
from tests.doubles.provider_responses import DONE, chat, delta, event
from tests.llm.conftest import MODELS, Providers

STREAM = "text/event-stream"
ENDLESS = b"x" * 65536


def resident_bytes() -> int:
    """Returns the resident memory of this process."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096


@pytest.mark.parametrize(
    ("provider", "step", "limit"),
    [
        ("openai", Wire([b'{"choices": "', ENDLESS], endless=True), "more than 4194304 bytes"),
        ("anthropic", Wire([b'{"content": "', ENDLESS], endless=True), "more than 4194304 bytes"),
        ("gemini", Wire([b'{"candidates": "', ENDLESS], endless=True), "more than 4194304 bytes"),
        ("bedrock", Wire([b'{"output": "', ENDLESS], endless=True), "more than 4194304 bytes"),
        (
            "openai",
            Wire([b"data: ", ENDLESS], content_type=STREAM, endless=True),
            "an event of more than 2097152 bytes",
        ),
        (
            "openai",
            Wire([b": waiting" + ENDLESS + b"\n\n"], content_type=STREAM, endless=True),
            "more than 67108864 bytes",
        ),
        (
            "openai",
            Wire([delta(content="y" * 60_000)], content_type=STREAM, endless=True),
            "more than 4194304 characters",
        ),
        ("openai", Wire([b"data: {}\n\n" * 6000], content_type=STREAM, endless=True), "more than 500000 events"),
    ],
)
async def test_an_endless_response_is_abandoned(providers: Providers, provider: str, step: Wire, limit: str) -> None:
    """The call fails permanently at a limit with its possible cost, and the worker's memory does not grow."""
    before = resident_bytes()
    failed = await providers.failure(provider, step, seconds=60, stream=True)
    assert failed.message == f"The answer from {load_curated(provider).name} is too long: {limit}."
    assert not failed.transient
    assert failed.cost > 0
    assert resident_bytes() - before < 60_000_000
    assert providers.server.bytes_sent < exchange.MAX_STREAM_BYTES + 10_000_000


@pytest.mark.parametrize("limit", [None, 50])
@pytest.mark.parametrize(
    "step",
    [
        Wire([b'{"choices": "', ENDLESS], endless=True),
        Wire([b": waiting" + ENDLESS + b"\n\n"], content_type=STREAM, endless=True),
        Wire([delta(content="y" * 60_000)], content_type=STREAM, endless=True),
    ],
    ids=["whole", "nothing but comments", "stream"],
)
async def test_an_answer_that_is_too_long_costs_at_most_the_limit(
    providers: Providers, step: Wire, limit: int | None
) -> None:
    """The cost is that of the request's answer limit, or otherwise the model's. A token may have many bytes."""
    parameters = {"max_completion_tokens": limit} if limit else {}
    failed = await providers.failure("openai", step, seconds=60, stream=True, parameters=parameters)
    assert failed.usage is not None
    longest = limit or providers.catalog.get_model("openai", MODELS["openai"]).max_output_tokens
    assert failed.usage.completion_tokens == longest


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
async def test_a_decompression_bomb_is_read_up_to_the_limit(providers: Providers, encoding: str) -> None:
    """A few kilobytes that expand to a hundred megabytes are decompressed only up to the limit."""
    bomb = b" " * 100_000_000
    compressed = gzip.compress(bomb, 1) if encoding == "gzip" else zlib.compress(bomb, 1)
    del bomb
    before = resident_bytes()
    failed = await providers.failure("openai", Wire(compressed, headers={"Content-Encoding": encoding}))
    assert failed.message == "The answer from OpenAI is too long: more than 4194304 bytes."
    assert resident_bytes() - before < 60_000_000


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "identity"])
async def test_a_compressed_response_is_read(providers: Providers, encoding: str) -> None:
    """The request accepts gzip, and responses with other known encodings are also read."""
    body = json.dumps(chat("yes")).encode()
    compressed = {"gzip": gzip.compress(body), "deflate": zlib.compress(body), "identity": body}[encoding]
    assert (await providers.ask("openai", Wire(compressed, headers={"Content-Encoding": encoding}))).content == "yes"
    assert providers.call.headers["accept-encoding"] == "gzip"


async def test_several_gzip_members_are_joined(providers: Providers) -> None:
    """A response with several gzip members is read. Too many are refused, because each of them takes time."""
    body = json.dumps(chat("yes")).encode()
    compressed = gzip.compress(body[:20]) + gzip.compress(body[20:])
    assert (await providers.ask("openai", Wire(compressed, headers={"Content-Encoding": "gzip"}))).content == "yes"
    flood = gzip.compress(b"") * 200 + compressed
    failed = await providers.failure("openai", Wire(flood, headers={"Content-Encoding": "gzip"}))
    assert failed.message == "The answer from OpenAI could not be understood."


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-32"])
async def test_json_in_another_encoding_is_read(providers: Providers, encoding: str) -> None:
    """The encoding of the JSON is detected."""
    body = json.dumps(chat("yes – \u00e4"), ensure_ascii=False).encode(encoding)
    assert (await providers.ask("openai", Wire(body))).content == "yes – \u00e4"


@pytest.mark.parametrize(
    ("body", "encoding"),
    [(b"no gzip", "gzip"), (gzip.compress(b"{}", mtime=0)[:-9], "gzip"), (b"{}", "br"), (b"{}", "gzip, br")],
)
async def test_a_response_that_cannot_be_decompressed_is_unreadable(
    providers: Providers, body: bytes, encoding: str
) -> None:
    """The failure is temporary, because the next response may be valid."""
    failed = await providers.failure("openai", Wire(body, headers={"Content-Encoding": encoding}))
    assert (failed.message, failed.transient) == ("The answer from OpenAI could not be understood.", True)


@pytest.mark.parametrize(
    "headers",
    [
        {f"x-{number}": "1" for number in range(exchange.MAX_HEADERS + 1)},
        {f"x-{number}": "y" * 7000 for number in range(10)},
        {f"x-{number}": "y" * 7000 for number in range(20)},
    ],
)
async def test_headers_are_bounded(providers: Providers, headers: dict[str, str]) -> None:
    """The number and the size of headers are limited. The largest headers are not even read."""
    failed = await providers.failure("openai", Wire(chat(), headers=headers))
    assert ("too long" in failed.message) or ("lost" in failed.message)


@pytest.mark.parametrize("status", [400, 500])
async def test_only_the_beginning_of_an_error_is_read(providers: Providers, status: int) -> None:
    """Only the beginning of an error's body is read, because its status is sufficient."""
    failed = await providers.failure("openai", Wire([ENDLESS], status=status, endless=True), seconds=20)
    assert (failed.transient, failed.cost) == (status == 500, 0)
    assert len(failed.message) < 400
    assert providers.server.bytes_sent < 20_000_000


@pytest.mark.parametrize("stream", [False, True])
async def test_a_slow_response_ends_at_the_timeout(providers: Providers, stream: bool) -> None:
    """The call ends at its timeout even if bytes keep arriving."""
    step = Wire(
        [b": waiting\n\n" if stream else b" "],
        pause=0.02,
        endless=True,
        content_type=STREAM if stream else "application/json",
    )
    failed = await providers.failure("openai", step, seconds=0.5, stream=stream)
    assert (failed.message, failed.transient) == ("OpenAI took too long to answer.", True)


async def test_a_stream_ends_with_its_closing_event(providers: Providers) -> None:
    """The answer is complete after the closing event, even if the connection stays open."""
    step = Wire(
        [delta(content="yes"), delta("stop"), DONE, b": waiting\n\n"], pause=0.02, content_type=STREAM, endless=True
    )
    assert (await providers.ask("openai", step, stream=True)).content == "yes"


@pytest.mark.parametrize(
    "parts",
    [
        {"tool_calls": [{"index": 5, "id": "c", "function": {"name": "f", "arguments": "{}"}}]},
        {"annotations": [{"type": "url_citation", "url_citation": {"url": "https://a.example/"}}]},
    ],
)
def test_parts_of_a_stream_are_bounded(parts: dict[str, Any]) -> None:
    """The number of tool calls and annotations is limited, because each of them uses memory."""
    stream = event_stream.EventStream()
    for number in range(event_stream.MAX_PARTS):
        for call in parts.get("tool_calls", []):
            call["index"] = number
        stream.feed(delta(**parts))
    for call in parts.get("tool_calls", []):
        call["index"] = -1
    with pytest.raises(event_stream.TooLong):
        stream.feed(delta(**parts))


def test_choices_of_a_stream_are_bounded() -> None:
    """The number of choices is limited, because each of them uses memory."""
    stream = event_stream.EventStream()
    for number in range(event_stream.MAX_PARTS):
        stream.feed(event({"choices": [{"index": number, "delta": {"content": "x"}}]}))
    with pytest.raises(event_stream.TooLong):
        stream.feed(event({"choices": [{"index": -1, "delta": {"content": "x"}}]}))


@pytest.mark.parametrize("status", [301, 302, 307, 308])
async def test_a_redirect_is_not_followed(providers: Providers, status: int) -> None:
    """A redirect is not followed, because the key is meant for one address."""
    step = Wire(b"", status=status, headers={"Location": f"{providers.server.address}/elsewhere"})
    failed = await providers.failure("openai", step)
    assert (failed.message, failed.transient) == ("OpenAI redirects this service to another address.", False)
    assert providers.call.path == "/v1/chat/completions"


@pytest.mark.parametrize("provider", ["anthropic", "bedrock", "gemini", "openai", "openrouter", "perplexity", "local"])
async def test_a_request_is_sent_once(providers: Providers, provider: str) -> None:
    """A request is not repeated after a lost connection: the provider may bill it, and the queue retries the task."""
    failed = await providers.failure(provider, Wire([b'{"a": '], cut=True))
    assert failed.transient
    assert providers.call.size > 0

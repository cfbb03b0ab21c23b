"""The load generator."""

from typing import Any

import pytest

from bench import load as load_module
from bench.http import write_request
from bench.load import Load, LoadGenerator, RequestsFailed
from tests.bench.answering import Answer, answering

_GET = write_request("GET", "/")


def _answer(status: int = 200) -> Answer:
    return lambda _: f"HTTP/1.1 {status} X\r\ncontent-length: 4\r\n\r\nbody".encode()


async def test_a_flood_lasts_for_its_time() -> None:
    """Each client waits for a response before its next request."""
    async with answering(_answer(), 0.01) as server:
        load = await LoadGenerator().flood(server.port, [[_GET]] * 3, 0.1)
        assert 3 <= len(load.latencies) <= 33
        assert min(load.latencies) >= 0.01
        assert load.check().per_second == pytest.approx(len(load.latencies) / (load.ended - load.began))


async def test_each_request_is_sent_once() -> None:
    """However many connections there are."""
    async with answering(_answer()) as server:
        load = await LoadGenerator().send_at_once(server.port, [_GET] * 7, 3)
        assert (len(load.latencies), load.failed) == (7, 0)


async def test_requests_arrive_at_their_rate() -> None:
    """A slow response does not delay the next request."""
    async with answering(_answer(), 0.2) as server:
        load = await LoadGenerator().arrive(server.port, [_GET] * 5, 100)
        assert len(load.latencies) == 5
        assert load.ended - load.began < 5 * 0.2
        assert all(latency >= 0.2 for latency in load.latencies)


async def test_other_responses_are_errors() -> None:
    """The first of them are shown with their bodies."""
    async with answering(_answer(429)) as server:
        load = await LoadGenerator().send_at_once(server.port, [_GET] * 30, 2)
        assert (load.latencies, load.failed, load.errors) == ([], 30, ["429 body"] * 20)
        with pytest.raises(RequestsFailed, match="30 of 30 requests failed: 429 body"):
            load.check()


async def test_any_status_may_count() -> None:
    """For routes whose error is what is measured."""
    async with answering(_answer(404)) as server:
        load = await LoadGenerator().send_at_once(server.port, [_GET], 1, any_status=True)
        assert (len(load.latencies), load.failed) == (1, 0)


@pytest.mark.parametrize(
    ("method", "arguments"),
    [("flood", ([[_GET]], 0.01)), ("send_at_once", ([_GET], 1)), ("arrive", ([_GET], 100))],
)
async def test_a_load_ends_without_responses(
    method: str, arguments: tuple[Any, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server that accepts requests and never responds does not stop the bench for ever."""
    monkeypatch.setattr(load_module, "RESPONSE_SECONDS", 0.05)
    async with answering(_answer(), 3600) as server:
        with pytest.raises(RequestsFailed, match="still without a response"):
            await getattr(LoadGenerator(), method)(server.port, *arguments)


def test_a_load_without_errors_passes() -> None:
    """It returns itself."""
    load = Load(latencies=[0.1])
    assert load.check() is load

"""Tests how the Python client watches tickets, over HTTP, with broken connections."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import pytest

from firebase_agents_client import (
    Client,
    Delta,
    Done,
    LogEvent,
    Restart,
    RunDone,
    ServiceError,
    Status,
    TicketCancelled,
    TicketTimeout,
    connect,
    unwrap,
    wait_for_ticket_async,
    watching,
)
from firebase_agents_client.generated.api.agents import agents_create
from firebase_agents_client.generated.api.chat import chat_cancel, chat_submit
from firebase_agents_client.generated.api.runs import runs_start
from firebase_agents_client.generated.models import ChatRequest, CreateAgentRequest, StartRunRequest
from tests.clients.conftest import Host
from tests.clients.hosted import HostedService
from tests.clients.speaking import TEXT, speak
from tests.doubles.model_server import Fail, ModelServer
from tests.doubles.tcp_proxy import TcpProxy, tcp_proxy


@pytest.fixture
def hosted(host: Host) -> HostedService:
    return host()


@asynccontextmanager
async def connected(hosted: HostedService, path: str = "/api") -> AsyncGenerator[tuple[Client, TcpProxy]]:
    """Opens a client, and the proxy through which it is connected."""
    async with (
        tcp_proxy(hosted.address.removeprefix("http://")) as proxy,
        connect(f"http://{proxy.host}{path}") as client,
    ):
        yield client, proxy


async def submit(client: Client) -> str:
    body = ChatRequest.from_dict(
        {"provider": "openai", "model": "gpt-4.1-mini", "messages": [{"role": "user", "content": "hi"}]}
    )
    return unwrap(await chat_submit.asyncio_detailed(client=client, body=body)).ticket_id


async def test_an_answer_is_yielded_while_it_is_given(hosted: HostedService, model_server: ModelServer) -> None:
    """The deltas come in several pieces, and joined they are the answer. The ended ticket comes last."""
    speak(model_server, "hi", pause=0.01)
    async with connected(hosted, "/own/chat") as (client, _):
        events = [event async for event in client.watch(await submit(client))]
    deltas = [event.content for event in events if isinstance(event, Delta)]
    assert len(deltas) > 1
    assert "".join(deltas) == TEXT
    assert isinstance(events[-1], Done)
    assert (events[-1].ticket.status, events[-1].ticket.result and events[-1].ticket.result.content) == (
        "completed",
        TEXT,
    )
    assert any(isinstance(event, Status) for event in events)


@pytest.mark.parametrize("path", ["/own/chat", "/api"])
async def test_broken_connections_lose_and_repeat_nothing(
    hosted: HostedService, model_server: ModelServer, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    """However often the connection breaks, and even while it is refused, the deltas are exactly the answer."""
    monkeypatch.setattr(watching, "_FIRST_PAUSE", 0.01)
    speak(model_server, "hi", pause=0.02)
    text = ""
    async with connected(hosted, path) as (client, proxy):
        ticket_id = await submit(client)
        count = 0
        async for event in client.watch(ticket_id):
            if isinstance(event, Delta):
                text += event.content
                count += 1
                if count == 2:
                    proxy.refuse()
                    asyncio.get_running_loop().call_later(0.5, lambda: asyncio.ensure_future(proxy.accept()))
                else:
                    proxy.cut()
    assert text == TEXT
    assert count > 2


async def test_a_watch_continues_at_any_cursor(hosted: HostedService, model_server: ModelServer) -> None:
    """After the end, a client that has the first events gets exactly the others."""
    speak(model_server, "hi", pause=0.01)
    async with connected(hosted) as (client, _):
        ticket_id = await submit(client)
        whole = [event async for event in client.watch(ticket_id)]
        deltas = [event.content for event in whole if isinstance(event, Delta)]
        cursors = [0, *(event.id for event in whole if isinstance(event, Delta))]
        for index, cursor in enumerate(cursors):
            rest = [event async for event in client.watch(ticket_id, starting_after=cursor)]
            assert [event.content for event in rest if isinstance(event, Delta)] == deltas[index:]
            assert rest[-1] == whole[-1]


async def interrupt(client: Client, hosted: HostedService, status: int, body: str = "", **query: int) -> None:
    """Replaces the service's response to the next request for the ticket's events."""
    await client.get_async_httpx_client().post(
        f"{hosted.address}/interrupt", params={"status": status, **query}, content=body
    )


async def redeliver(client: Client, ticket_id: str) -> None:
    """Makes the service deliver what its worker has refused: it does so after each request."""
    while True:
        await asyncio.sleep(0.1)
        await client.get_async_httpx_client().get(f"/chat/{ticket_id}")


async def test_another_attempt_begins_the_answer_again(hosted: HostedService, model_server: ModelServer) -> None:
    """If an attempt breaks off, the client is told to discard what it has, and then gets the whole answer."""
    speak(model_server, "hi", pause=0.02, cut=True)
    speak(model_server, "hi", pause=0.02)
    text = ""
    restarts: list[int] = []
    async with connected(hosted, "/own/chat") as (client, _):
        ticket_id = await submit(client)
        redelivery = asyncio.create_task(redeliver(client, ticket_id))
        async for event in client.watch(ticket_id):
            if isinstance(event, Delta):
                text += event.content
            if isinstance(event, Restart):
                assert TEXT.startswith(text)
                text = ""
                restarts.append(event.id)
        redelivery.cancel()
    assert text == TEXT
    assert restarts == [1_000_000]


async def test_temporary_errors_are_waited_out(
    hosted: HostedService, model_server: ModelServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a 503, a 429 and responses without news, the client asks again, after growing pauses or when it is told
    to. An error that waiting cannot resolve is raised.
    """
    monkeypatch.setattr(watching, "_FIRST_PAUSE", 0.01)
    speak(model_server, "hi", pause=0)
    async with connected(hosted) as (client, _):
        ticket_id = await submit(client)
        await interrupt(client, hosted, 503, '{"detail": "Later."}')
        await interrupt(client, hosted, 429, '{"detail": "Too many."}', after=1)
        await interrupt(client, hosted, 200)
        await interrupt(client, hosted, 200, 'event: status\ndata: {"status":"processing","attempt":1}\n\n')
        pauses: list[float] = []

        async def note(seconds: float) -> None:
            pauses.append(seconds)

        monkeypatch.setattr(watching, "sleep", note)
        events = [event async for event in client.watch(ticket_id)]
        assert isinstance(events[-1], Done)
        assert pauses[:4] == [0.01, 1, pytest.approx(0.01 * 1.5**2), pytest.approx(0.01 * 1.5**3)]
        with pytest.raises(ServiceError) as raised:
            await anext(client.watch("00000000-0000-4000-8000-000000000000"))
    assert raised.value.status == 404


async def test_a_watch_ends_when_its_time_is_up(hosted: HostedService, model_server: ModelServer) -> None:
    """A ticket that does not end in time raises `TicketTimeout`, while the model is still speaking."""
    speak(model_server, "hi", pause=0.3)
    async with connected(hosted) as (client, _):
        ticket_id = await submit(client)
        with pytest.raises(TicketTimeout):
            async for _ in client.watch(ticket_id, timeout=0.5):
                pass
        await chat_cancel.asyncio_detailed(ticket_id, client=client)


async def test_a_cancelled_ticket_is_not_an_answer(hosted: HostedService, model_server: ModelServer) -> None:
    """Waiting for it raises `TicketCancelled`, with what the model had said; watching ends with the ticket."""
    speak(model_server, "hi", pause=0.05)
    async with connected(hosted, "/own/chat") as (client, _):
        ticket_id = await submit(client)
        text = ""
        async for event in client.watch(ticket_id):
            if isinstance(event, Delta):
                if not text:
                    await chat_cancel.asyncio_detailed(ticket_id, client=client)
                text += event.content
        with pytest.raises(TicketCancelled) as raised:
            await wait_for_ticket_async(client, ticket_id)
    result = raised.value.ticket.result
    assert result is not None
    assert text == result.content == TEXT[: len(text)]
    assert len(text) < len(TEXT)


async def test_a_failed_ticket_ends_the_watch(hosted: HostedService, model_server: ModelServer) -> None:
    """The last event is the failed ticket with its error."""
    model_server.script("hi", Fail(400, "No."))
    async with connected(hosted) as (client, _):
        events = [event async for event in client.watch(await submit(client))]
    assert isinstance(events[-1], Done)
    assert events[-1].ticket.status == "failed"
    assert events[-1].ticket.error


@pytest.mark.parametrize("path", ["/own/runs", "/api"])
async def test_a_run_is_watched(hosted: HostedService, path: str) -> None:
    """Its lines and its steps come as they happen, with cursors, and the run itself comes last."""
    code = (
        "import asyncio\nasync def run(input_dict, tools):\n    print('one')\n    await asyncio.sleep(1)\n"
        "    print('two')\n    return {'n': input_dict['n']}"
    )
    async with connect(f"{hosted.address}/own/agents") as client:
        body = CreateAgentRequest.from_dict({"name": "n", "description": "d", "code": code})
        agent = unwrap(await agents_create.asyncio_detailed(client=client, body=body))
    async with connected(hosted, path) as (client, _):
        request = StartRunRequest.from_dict({"agentId": agent.field_id, "input": {"n": 3}})
        started = unwrap(await runs_start.asyncio_detailed(client=client, body=request))
        events = [event async for event in client.watch_run(started)]
        assert [event.text for event in events if isinstance(event, LogEvent)] == ["one", "two"]
        done = events[-1]
        assert isinstance(done, RunDone)
        assert (done.run.status, done.run.result) == ("completed", {"n": 3})
        again = [event async for event in client.watch_run(started.run_id, starting_after=done.id)]
        assert again == [done]

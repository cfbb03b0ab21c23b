"""The events of a chat over real HTTP: streaming, cursors, limits, and clients that disconnect or read slowly."""

import asyncio
import json
import os
import socket
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import httpx
import pytest
from fastapi import Request
from starlette.types import Message

import functions.chat.main as chat
from bench.served import ROOT, serve
from shared.models.api_key import CreateKeyRequest
from shared.models.caller import LOCAL_USER, Caller
from shared.models.events import Event, delta_event
from shared.services.api_keys import verification
from shared.services.api_keys.key_text import make_key_text
from shared.services.api_keys.keys import ApiKeyService
from shared.services.chat import feeds
from shared.services.chat.feeds import open_feeds
from shared.settings import Settings
from shared.store import Database
from shared.store.watching import listeners
from shared.web import create_app, sse
from tests.doubles.served_here import serve_here
from tests.functions.conftest import AuthHeaders, Serve
from tests.services.chat.watching import add_running_ticket, finish, make_parts, say

Call = Callable[..., Any]


@dataclass
class Received:
    """An event as a client parses it."""

    id: str | None = None
    name: str = ""
    data: Any = None


async def receive(response: httpx.Response) -> list[Received]:
    """Parses events until the response ends."""
    return await take(response.aiter_lines())


async def take(lines: AsyncIterator[str], count: int | None = None) -> list[Received]:
    """Parses events until the lines end, or until there are `count`."""
    events, current = list[Received](), Received()
    async for line in lines:
        field, _, value = line.partition(": ")
        match field:
            case "id":
                current.id = value
            case "event":
                current.name = value
            case "data":
                current.data = json.loads(value)
            case "" if current.name:
                events.append(current)
                current = Received()
                if len(events) == count:
                    break
            case _:
                pass
    return events


def join(events: list[Received]) -> str:
    return "".join(event.data.get("content", "") for event in events if event.name == "delta")


async def until(condition: Callable[[], Any]) -> None:
    async with asyncio.timeout(30):
        while not condition():  # noqa: ASYNC110 - any event may make it hold
            await asyncio.sleep(0.01)


@asynccontextmanager
async def serving(settings: Settings, **fields: object) -> AsyncGenerator[httpx.AsyncClient]:
    """Serves the function in the test's loop, and returns a client."""
    app = create_app("chat", chat.router, settings.model_copy(update=fields))
    async with serve_here(app) as url, httpx.AsyncClient(base_url=url, trust_env=False, timeout=60) as client:
        yield client


def read_all(connection: socket.socket) -> bytes:
    """Reads until the connection is closed by the other side."""
    with connection:
        return b"".join(iter(lambda: connection.recv(65536), b""))


def is_released(database: Database) -> bool:
    """Whether nothing is watched."""
    targets = listeners(database._client).count  # pyright: ignore[reportPrivateUsage]
    opened = open_feeds(database.project)
    return not targets and not opened.feeds and not opened.readers


async def test_a_slow_client_does_not_extend_a_response(monkeypatch: pytest.MonkeyPatch) -> None:
    """A client that takes each piece in time, but all of them too slowly, is dropped soon after the time limit."""
    monkeypatch.setattr(sse, "GRACE_SECONDS", 0.0)
    taken: list[int] = []

    async def send(message: Message) -> None:
        taken.append(len(message.get("body", b"")))
        await asyncio.sleep(0.3)

    async def receive() -> Message:
        return await asyncio.Future()

    @asynccontextmanager
    async def open_() -> AsyncGenerator[AsyncIterator[list[Event]]]:
        async def read() -> AsyncIterator[list[Event]]:
            yield [delta_event(1, "a" * 10_000_000)]

        yield read()

    scope = {"type": "http", "method": "GET", "path": "/", "headers": [], "state": {"original_path": "/"}}
    await sse.EventStream(open_, Request(scope), wait=1)(scope, receive, send)
    assert sum(taken) < 10_000_000


def test_events_are_sent_in_pieces() -> None:
    """A long event is divided, and short ones are joined, so that a slow client has one piece in memory."""
    events = [delta_event(1, "a"), delta_event(2, "b"), delta_event(3, "c" * 300_000), delta_event(4, "d")]
    pieces = list(sse.encode(events))
    assert max(map(len, pieces)) < 2 * sse.PIECE_BYTES
    assert len(pieces) == 5
    assert b"".join(pieces) == b"".join(
        b'id: %d\nevent: delta\ndata: {"content":"%b"}\n\n' % (event.id or 0, letter * count)
        for event, letter, count in zip(events, (b"a", b"b", b"c", b"d"), (1, 1, 300_000, 1), strict=True)
    )


@pytest.mark.parametrize("path", ["/chat/{}/events", "/chat/{}/events/", "/{}/events"])
async def test_events_arrive_while_the_answer_is_given(settings: Settings, database: Database, path: str) -> None:
    """A client has each event as soon as it is written, and the whole answer at the end. Nothing is left behind."""
    ticket = await add_running_ticket(database, "Grüße, ")
    async with serving(settings) as client:
        async with client.stream(
            "GET", path.format(ticket.id), headers={"Origin": "http://localhost:5000"}
        ) as response:
            assert response.status_code == 200
            assert response.headers["content-type"] == "text/event-stream; charset=utf-8"
            assert response.headers["cache-control"] == "no-store"
            assert response.headers["x-accel-buffering"] == "no"
            assert response.headers["x-request-id"]
            assert response.headers["access-control-allow-origin"] == "http://localhost:5000"
            assert "content-length" not in response.headers
            lines = response.aiter_lines()
            head = [await anext(lines) for _ in range(9)]
            assert head == [
                *("retry: 1000", ""),
                *("event: status", 'data: {"status":"processing","attempt":1}', ""),
                *("id: 1", "event: delta", 'data: {"content":"Grüße, "}', ""),
            ]
            await say(database, ticket, "👩‍🚀\n", first=2)
            assert [await anext(lines) for _ in range(4)][2] == 'data: {"content":"👩‍🚀\\n"}'
            await finish(database, ticket, "Grüße, 👩‍🚀\n\u2028.", 3, make_parts(ticket, ["\u2028."], 3))
            rest = [line async for line in lines]
        assert rest[:3] == ["id: 3", "event: delta", 'data: {"content":"\\u2028."}']
        assert rest[4:6] == ["id: 3", "event: done"]
        looked_up = await client.get(f"/chat/{ticket.id}")
        assert json.loads(rest[6].removeprefix("data: ")) == looked_up.json()
        assert len(rest) == 8
        await until(lambda: is_released(database))


async def test_a_client_continues_after_its_cursor(serve: Serve, database: Database) -> None:
    """The header takes precedence over the parameter, and without either, all events are sent."""
    ticket = await add_running_ticket(database, "a", "b", "c")
    await finish(database, ticket, "abc", 3)
    client = serve(chat)
    for parameters, headers, content in [
        ({}, {}, "abc"),
        ({"starting_after": "0"}, {}, "abc"),
        ({"starting_after": "1"}, {}, "bc"),
        ({}, {"Last-Event-ID": "2"}, "c"),
        ({"starting_after": "0"}, {"Last-Event-ID": "2"}, "c"),
        ({"starting_after": "3"}, {}, ""),
        ({"starting_after": "9000000"}, {}, ""),
    ]:
        response = await client.get(f"/chat/{ticket.id}/events", params=parameters, headers=headers)
        events = await receive(response)
        assert (response.status_code, join(events), events[-1].name, events[-1].id) == (200, content, "done", "3")


@pytest.mark.parametrize(
    ("parameters", "headers", "loc"),
    [
        ({"starting_after": "-1"}, {}, ["query", "starting_after"]),
        ({"starting_after": "x"}, {}, ["query", "starting_after"]),
        ({"starting_after": "1.5"}, {}, ["query", "starting_after"]),
        ({"starting_after": "9" * 30}, {}, ["query", "starting_after"]),
        ({}, {"Last-Event-ID": "-1"}, ["header", "last-event-id"]),
        ({"starting_after": "1"}, {"Last-Event-ID": "x"}, ["header", "last-event-id"]),
        ({"wait": "0"}, {}, ["query", "wait"]),
        ({"wait": "281"}, {}, ["query", "wait"]),
    ],
)
async def test_an_invalid_cursor_is_422(
    serve: Serve, database: Database, parameters: dict[str, str], headers: dict[str, str], loc: list[str]
) -> None:
    """A malformed or negative cursor is refused before the response starts."""
    ticket = await add_running_ticket(database)
    response = await serve(chat).get(f"/chat/{ticket.id}/events", params=parameters, headers=headers)
    assert response.status_code == 422
    assert response.json()["detail"][0]["loc"] == loc


async def test_only_the_owner_sees_events(serve: Serve, database: Database, auth_headers: AuthHeaders) -> None:
    """Another user's ticket looks like one that does not exist, and an anonymous caller gets 401."""
    ticket = await add_running_ticket(database, "secret", owner="mine")
    await finish(database, ticket, "secret", 1)
    client = serve(chat, app_env="firebase")
    path = f"/chat/{ticket.id}/events"
    assert join(await receive(await client.get(path, headers=auth_headers("user")))) == "secret"
    unknown = await client.get(f"/chat/{uuid4()}/events", headers=auth_headers("other"))
    for role, status in (("other", 404), ("admin", 404), ("nobody", 401)):
        response = await client.get(path, headers=auth_headers(role))
        assert response.status_code == status
        assert "secret" not in response.text
        if status == 404:
            assert response.json() == unknown.json()
    assert (await client.get("/chat/x/events", headers=auth_headers("user"))).status_code == 404


async def test_head_ends_at_once(settings: Settings, database: Database) -> None:
    """HEAD gets the headers, and watches nothing."""
    ticket = await add_running_ticket(database, "a")
    async with serving(settings) as client:
        response = await client.head(f"/chat/{ticket.id}/events")
        assert (response.status_code, response.content) == (200, b"")
        assert response.headers["content-type"].startswith("text/event-stream")
        assert is_released(database)
        assert (await client.head(f"/chat/{uuid4()}/events")).status_code == 404
        assert (await client.post(f"/chat/{ticket.id}/events")).status_code == 405


async def test_too_many_readers_are_refused(
    settings: Settings, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One user gets 429, and a process that is full answers 503. Both say when to retry."""
    monkeypatch.setattr(feeds, "MAX_READERS_PER_USER", 1)
    ticket = await add_running_ticket(database, "a")
    async with serving(settings) as client, client.stream("GET", f"/chat/{ticket.id}/events") as first:
        lines = first.aiter_lines()
        await take(lines, 1)
        response = await client.get(f"/chat/{ticket.id}/events")
        assert (response.status_code, response.headers["retry-after"]) == (429, "5")
        monkeypatch.setattr(feeds, "MAX_READERS", 1)
        response = await client.get(f"/chat/{ticket.id}/events")
        assert (response.status_code, response.headers["retry-after"]) == (503, "5")
        assert set(response.json()) == {"detail"}
        await finish(database, ticket, "a", 1)
        assert [event.name for event in await take(lines)] == ["delta", "done"]


async def test_a_client_that_disconnects_releases_everything(settings: Settings, database: Database) -> None:
    """When the connection is closed, the feed is closed, too, although nothing was to be sent."""
    ticket = await add_running_ticket(database, "a")
    async with serving(settings) as client:
        async with client.stream("GET", f"/chat/{ticket.id}/events") as response:
            lines = response.aiter_lines()
            await take(lines, 2)
            assert not is_released(database)
        await until(lambda: is_released(database))


async def test_a_silent_stream_has_comments(
    settings: Settings, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While nothing happens, comments keep the connection open."""
    monkeypatch.setattr(sse, "KEEP_ALIVE_SECONDS", 0.05)
    ticket = await add_running_ticket(database)
    async with serving(settings) as client, client.stream("GET", f"/chat/{ticket.id}/events") as response:
        lines = response.aiter_lines()
        assert [await anext(lines) for _ in range(9)][5:] == [": keep-alive", "", ": keep-alive", ""]


@pytest.mark.parametrize(("path", "headers"), [("/api", {}), ("", {"X-Forwarded-Host": "app.example"})])
async def test_through_hosting_the_response_ends_early(
    settings: Settings, database: Database, monkeypatch: pytest.MonkeyPatch, path: str, headers: dict[str, str]
) -> None:
    """Hosting holds the response back until its end, so it ends soon with what there is. The client then continues."""
    monkeypatch.setattr(sse, "HOSTING_SECONDS", 0.5)
    ticket = await add_running_ticket(database, "a")
    url = f"{path}/chat/{ticket.id}/events"
    async with serving(settings) as client:
        first = await receive(await client.get(url, headers=headers))
        assert (join(first), first[-1].id) == ("a", "1")
        await say(database, ticket, "b", first=2)
        second = await receive(await client.get(url, headers={**headers, "Last-Event-ID": "1"}))
        assert join(second) == "b"
        await finish(database, ticket, "abc", 3, make_parts(ticket, ["c"], 3))
        third = await receive(await client.get(url, params={"starting_after": 2}, headers=headers))
        assert [event.name for event in third] == ["delta", "done"]


async def test_a_response_ends_before_the_platforms_limit(
    settings: Settings, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Elsewhere, a response ends before the function's time limit, completely."""
    monkeypatch.setattr(sse, "MAX_SECONDS", 0.5)
    ticket = await add_running_ticket(database, "a")
    async with serving(settings) as client:
        assert join(await receive(await client.get(f"/chat/{ticket.id}/events"))) == "a"


async def test_wait_ends_with_the_first_news(settings: Settings, database: Database) -> None:
    """With `wait`, the response ends with the first events, or after that time. The status alone is no news."""
    ticket = await add_running_ticket(database, "a")
    url = f"/chat/{ticket.id}/events"
    async with serving(settings) as client:
        events = await receive(await client.get(url, params={"wait": 200}))
        assert [event.name for event in events] == ["status", "delta"]
        events = await receive(await client.get(url, params={"wait": 1, "starting_after": 1}))
        assert [event.name for event in events] == ["status"]
        waiting = asyncio.create_task(client.get(url, params={"wait": 200, "starting_after": 1}))
        await until(lambda: not is_released(database))
        await finish(database, ticket, "ab", 2, make_parts(ticket, ["b"], 2))
        assert [event.name for event in await receive(await waiting)][-2:] == ["delta", "done"]


async def test_a_reader_that_takes_nothing_is_dropped(
    settings: Settings, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It delays no other reader, and its connection is closed after a while."""
    monkeypatch.setattr(sse, "STUCK_SECONDS", 0.5)
    ticket = await add_running_ticket(database)
    texts = ["x" * 250_000] * 15
    async with serving(settings) as client:
        url = httpx.URL(str(client.base_url))
        stuck = socket.socket()
        stuck.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        stuck.connect((url.host, url.port))
        stuck.sendall(f"GET /chat/{ticket.id}/events HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        await until(lambda: not is_released(database))
        async with client.stream("GET", f"/chat/{ticket.id}/events") as quick:
            await say(database, ticket, *texts)
            await finish(database, ticket, "x", len(texts))
            assert len(join(await receive(quick))) == 250_000 * 15
        await until(lambda: is_released(database))
        assert b"event: done" not in await asyncio.to_thread(read_all, stuck)


async def test_the_deployed_server_streams(settings: Settings, database: Database, environ: dict[str, str]) -> None:
    """Through functions-framework and its server, events are not held back either."""
    ticket = await add_running_ticket(database, "a")
    variables = {
        **environ,
        "GOOGLE_CLOUD_PROJECT": settings.google_cloud_project,
        "FIRESTORE_EMULATOR_HOST": os.environ["FIRESTORE_EMULATOR_HOST"],
    }
    with serve("chat", ROOT / "functions" / "chat" / "main.py", variables) as function:
        async with (
            httpx.AsyncClient(base_url=function.url, trust_env=False, timeout=60) as client,
            client.stream("GET", f"/chat/{ticket.id}/events") as response,
        ):
            lines = response.aiter_lines()
            while await anext(lines) != 'data: {"content":"a"}':
                pass
            await finish(database, ticket, "ab", 2, make_parts(ticket, ["b"], 2))
            assert "event: done" in [line async for line in lines]


@pytest.mark.parametrize("is_blocked", [False, True])
async def test_a_stream_ends_when_its_key_is_revoked(
    settings: Settings, database: Database, monkeypatch: pytest.MonkeyPatch, is_blocked: bool
) -> None:
    """A stream that was opened with an API key ends soon after the key was revoked, even if too many wrong keys have
    come from its address. Reconnecting is a 401, or a 429."""
    assert sse.RECHECK_SECONDS + verification.MAX_SECONDS < 10
    monkeypatch.setattr(sse, "RECHECK_SECONDS", 0.05)
    monkeypatch.setattr(verification, "MAX_SECONDS", 0.05)
    monkeypatch.setattr(verification, "GUESSES_PER_MINUTE", 1)
    verified: list[str] = []
    check = verification.KeyVerification.is_still_valid

    async def count(self: verification.KeyVerification, text: str) -> bool:
        verified.append(text)
        return await check(self, text)

    monkeypatch.setattr(verification.KeyVerification, "is_still_valid", count)
    keys, user = ApiKeyService(database, settings), Caller(LOCAL_USER)
    key = await keys.create(user, CreateKeyRequest(name="k"))
    ticket = await add_running_ticket(database, "a")
    url, headers = f"/chat/{ticket.id}/events", {"Authorization": f"Bearer {key.key}"}
    async with serving(settings) as client:
        async with client.stream("GET", url, headers=headers) as response:
            lines = response.aiter_lines()
            await take(lines, 2)
            await until(lambda: len(verified) > 3)
            await say(database, ticket, "b", first=2)
            assert [event.data["content"] for event in await take(lines, 1)] == ["b"]
            if is_blocked:
                await client.get(url, headers={"Authorization": f"Bearer {make_key_text().text}"})
            await keys.revoke(user, key.id)
            async with asyncio.timeout(30):
                assert await take(lines) == []
        assert (await client.get(url, headers=headers)).status_code == (429 if is_blocked else 401)

"""Errors of the OpenAI-compatible endpoints, as OpenAI's own client sees them: their types, codes and retries."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import openai
import pytest

import functions.chat.main as chat
import functions.openai.main as openai_function
import functions.users.main as users
from shared.models.api_key import CreateKeyRequest
from shared.models.caller import LOCAL_USER, Caller
from shared.models.chat import TicketStatus
from shared.models.errors import OutcomeUnknown, TooManyRequests, Unavailable
from shared.services.api_keys import verification
from shared.services.api_keys.keys import ApiKeyService
from shared.services.chat.tickets import TicketService
from shared.services.openai_api import service as openai_service_module
from shared.services.openai_api.service import OpenAiService
from shared.settings import Settings
from shared.store import Database
from shared.web import openai_api, sse
from tests.doubles.cloud_tasks import CloudTasksServer
from tests.doubles.model_server import Answer, Fail, ModelServer
from tests.doubles.openai_streams import stream_of
from tests.functions.conftest import AuthHeaders, Serve
from tests.functions.conftest import auth_headers as auth_headers
from tests.functions.openai_service import HI, MODEL, Service, connect, serve_openai
from tests.functions.openai_service import idle as idle
from tests.functions.openai_service import service as service


def described(error: openai.APIError) -> tuple[str | None, str | None, str | None]:
    return error.type, error.code, error.param


async def statuses(database: Database) -> list[TicketStatus]:
    """Returns the statuses of the caller's tickets when all have ended."""
    async with asyncio.timeout(30):
        while True:
            tickets, _ = await database.tickets.page(LOCAL_USER, 10)
            if all(ticket.status.finished for ticket in tickets):
                return [ticket.status for ticket in tickets]
            await asyncio.sleep(0.1)


@pytest.fixture
async def secured(
    settings: Settings, environ: dict[str, str], cloud_tasks: CloudTasksServer, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[str]:
    """Serves the function in a deployment, where callers need a token or a key. Returns its address."""
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    async with serve_openai(settings, cloud_tasks, app_env="firebase", default_allowance=1.0) as url:
        yield url


@pytest.mark.parametrize("key", ["wrong", "fba_wrong", "sk-0123456789"])
async def test_a_bad_key(secured: str, auth_headers: AuthHeaders, key: str) -> None:
    """A key or token that is not valid is an `AuthenticationError`, also for lists and streams."""
    del auth_headers  # prepares the verification of tokens
    async with connect(secured, key) as client:
        calls: list[Callable[[], Any]] = [
            lambda: client.models.list(),
            lambda: client.chat.completions.create(model=MODEL, messages=HI),
            lambda: client.chat.completions.create(model=MODEL, messages=HI, stream=True),
            lambda: client.responses.create(model=MODEL, input="hi"),
            lambda: client.responses.retrieve("resp_0b6f0d0e5d0b4c568f5e6f7f3f1c2a10"),
        ]
        for call in calls:
            with pytest.raises(openai.AuthenticationError) as raised:
                await call()
            assert described(raised.value) == ("authentication_error", "invalid_api_key", None)


async def test_a_token_opens_the_endpoints(secured: str, auth_headers: AuthHeaders, model_server: ModelServer) -> None:
    """The client sends an ID token as its key."""
    token = auth_headers("user")["Authorization"].removeprefix("Bearer ")
    async with connect(secured, token) as client:
        completion = await client.chat.completions.create(model=MODEL, messages=HI, max_tokens=50)
        assert completion.choices[0].message.content == "You said: hi"
        response = await client.responses.create(model=MODEL, input="hi", max_output_tokens=50)
    other = auth_headers("other")["Authorization"].removeprefix("Bearer ")
    async with connect(secured, other) as client:
        with pytest.raises(openai.NotFoundError) as raised:
            await client.responses.retrieve(response.id)
    assert raised.value.code == "response_not_found"


@pytest.mark.parametrize("model", ["openai/made-up", "made-up/model", "anthropic/claude", "gofannon/made-up"])
async def test_an_unknown_model(idle: Service, model: str) -> None:
    """An unknown model or agent, and one whose provider has no key, is a `NotFoundError` for `model`."""
    for call in (
        idle.client.chat.completions.create(model=model, messages=HI),
        idle.client.chat.completions.create(model=model, messages=HI, stream=True),
        idle.client.responses.create(model=model, input="hi"),
    ):
        with pytest.raises(openai.NotFoundError) as raised:
            await call
        assert described(raised.value) == ("invalid_request_error", "model_not_found", "model")
    assert not idle.tasks.tasks


@pytest.mark.parametrize("model", ["gpt-4.1-mini", "openai/", "/x"])
async def test_a_model_without_its_provider(idle: Service, model: str) -> None:
    """A name that is not of the form `provider/model` is not found, as it is when it is retrieved."""
    with pytest.raises(openai.NotFoundError, match="provider/model") as raised:
        await idle.client.chat.completions.create(model=model, messages=HI)
    assert described(raised.value) == ("invalid_request_error", "model_not_found", "model")


async def test_a_spent_budget(
    idle: Service, serve: Serve, model_server: ModelServer, cloud_tasks: CloudTasksServer
) -> None:
    """A spent allowance is a 402 `insufficient_quota`, after which clients do not repeat the request."""
    await serve(users).put("/users/me/spend-remaining", json={"spendRemaining": 0})
    async with connect(idle.url, max_retries=2) as client:
        for call in (
            client.chat.completions.create(model=MODEL, messages=HI),
            client.chat.completions.create(model=MODEL, messages=HI, stream=True),
            client.responses.create(model=MODEL, input="hi", background=True),
        ):
            with pytest.raises(openai.APIStatusError) as raised:
                await call
            assert raised.value.status_code == 402
            assert described(raised.value) == ("insufficient_quota", "insufficient_quota", None)
    assert not cloud_tasks.tasks


@pytest.mark.parametrize("path", ["chat", "responses"])
async def test_a_key_that_is_revoked_ends_a_stream_with_an_error(
    service: Service, model_server: ModelServer, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    """Otherwise half an answer would look complete. What the stream has asked for is cancelled."""
    monkeypatch.setattr(sse, "RECHECK_SECONDS", 0.05)
    monkeypatch.setattr(verification, "MAX_SECONDS", 0.05)
    model_server.script("hi", stream_of({"content": "Half of it. "}, silent=True))
    database = Database(service.settings)
    keys, user = ApiKeyService(database, service.settings), Caller(LOCAL_USER)
    key = await keys.create(user, CreateKeyRequest(name="k"))
    async with connect(service.url, key.key) as client:
        stream: Any = await (
            client.chat.completions.create(model=MODEL, messages=HI, max_tokens=50, stream=True)
            if path == "chat"
            else client.responses.create(model=MODEL, input="hi", max_output_tokens=50, stream=True)
        )

        async def read() -> None:
            async for event in stream:
                if "Half of it." in event.to_json():
                    await keys.revoke(user, key.id)

        with pytest.raises(openai.APIError, match="revoked or has expired") as raised:
            await read()
    assert described(raised.value) == ("authentication_error", "invalid_api_key", None)
    assert await statuses(database) == [TicketStatus.CANCELLED]


async def test_too_many_requests(
    settings: Settings, environ: dict[str, str], cloud_tasks: CloudTasksServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beyond the rate limit, the error is a `RateLimitError` that says when to retry."""
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    async with (
        serve_openai(settings, cloud_tasks, works=False, chat_rate_per_minute=1) as url,
        connect(url) as client,
    ):
        await client.responses.create(model=MODEL, input="hi", background=True)
        with pytest.raises(openai.RateLimitError) as raised:
            await client.responses.create(model=MODEL, input="hi", background=True)
    assert described(raised.value) == ("rate_limit_error", "rate_limit_exceeded", None)
    assert int(raised.value.response.headers["retry-after"]) > 0


async def test_a_prompt_that_is_too_long(service: Service, model_server: ModelServer) -> None:
    """A prompt longer than the model reads is a 400 with the code `context_length_exceeded`, in all forms."""
    too_long = Fail(400, "This model's maximum context length is 8192 tokens.", code="context_length_exceeded")
    model_server.script("hi", too_long, too_long, too_long)
    for call in (
        service.client.chat.completions.create(model=MODEL, messages=HI),
        service.client.chat.completions.create(model=MODEL, messages=HI, stream=True),
        service.client.responses.create(model=MODEL, input="hi"),
    ):
        with pytest.raises(openai.BadRequestError) as raised:
            await call
        assert raised.value.code == "context_length_exceeded"


async def test_a_body_that_is_too_large(idle: Service) -> None:
    """A body above the limit is a 413 in OpenAI's form."""
    with pytest.raises(openai.APIStatusError) as raised:
        await idle.client.responses.create(model=MODEL, input="x" * 40_000_000)
    assert raised.value.status_code == 413
    assert described(raised.value) == ("invalid_request_error", "request_too_large", None)


async def test_a_model_that_fails(service: Service, model_server: ModelServer) -> None:
    """A model that fails is a 502 that clients do not repeat, because the worker already tried again.

    In a stream that has not begun, the error is a response of its own; after that, it is the end of the stream.
    """
    model_server.script("hi", *[Fail(401, "Incorrect API key provided.")] * 2)
    async with connect(service.url, max_retries=2) as client:
        for stream in (False, True):
            with pytest.raises(openai.InternalServerError) as raised:
                await client.chat.completions.create(model=MODEL, messages=HI, stream=stream)
            assert raised.value.status_code == 502
            assert described(raised.value) == ("server_error", "server_error", None)
    assert len(model_server.calls) == 2


async def test_a_request_that_waits_too_long(
    service: Service, model_server: ModelServer, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A request whose answer takes too long is a 504 with advice, and is cancelled. Its stream ends with the error."""
    monkeypatch.setattr(openai_api, "WAIT_SECONDS", 2.0)
    model_server.script("hi", Answer("Late.", delay=30), Answer("Late.", delay=30))
    model_server.script(
        "stream", stream_of({"content": "Hel"}, silent=True), stream_of({"content": "Hel"}, silent=True)
    )
    async with connect(service.url, max_retries=2) as client:
        for call in (
            client.chat.completions.create(model=MODEL, messages=HI),
            client.responses.create(model=MODEL, input="hi"),
        ):
            with pytest.raises(openai.InternalServerError, match="background") as raised:
                await call
            assert (raised.value.status_code, raised.value.code) == (504, "timeout")
        messages: list[Any] = [{"role": "user", "content": "stream"}]
        with pytest.raises(openai.APIError, match="takes longer") as ended:
            async for _ in await client.chat.completions.create(model=MODEL, messages=messages, stream=True):
                pass
        assert ended.value.code == "timeout"
        stream: Any = await client.responses.create(model=MODEL, input="stream", stream=True)
        events: list[Any] = [event async for event in stream]
        assert (events[-1].type, events[-1].code) == ("error", "timeout")
    assert await statuses(database) == [TicketStatus.CANCELLED] * 4


async def test_a_chat_that_was_cancelled(service: Service, database: Database, model_server: ModelServer) -> None:
    """If the caller cancels the ticket in another way, the request that waits for it ends with an error."""
    cancels = await chat._cancel_service(service.settings)  # pyright: ignore[reportPrivateUsage]
    model_server.script("hi", Answer("Late.", delay=30))
    waiting = asyncio.create_task(service.client.chat.completions.create(model=MODEL, messages=HI))
    await model_server.called()
    (ticket,), _ = await database.tickets.page(LOCAL_USER, 10)
    await cancels.cancel(Caller(uid=LOCAL_USER), ticket.id)
    with pytest.raises(openai.BadRequestError) as raised:
        await waiting
    assert raised.value.code == "cancelled"


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/v1/made-up", 404, "unknown_url"),
        ("POST", "/v1/embeddings", 404, "unknown_url"),
        ("PUT", "/v1/models", 405, "method_not_allowed"),
        ("GET", "/api/v1/chat/completions", 405, "method_not_allowed"),
    ],
)
async def test_unknown_routes(serve: Serve, method: str, path: str, status: int, code: str) -> None:
    """Errors of the router have OpenAI's form, too."""
    response = await serve(openai_function).request(method, path)
    assert response.status_code == status
    assert set(response.json()["error"]) == {"message", "type", "param", "code"}
    assert response.json()["error"]["code"] == code


@pytest.mark.parametrize("body", [b"{", b"", b"[]", b'"x"', b'{"model": "\\ud800"}', b"NaN"])
async def test_bodies_that_are_not_valid(serve: Serve, body: bytes) -> None:
    """A body that is not a valid JSON object is a 400 in OpenAI's form."""
    response = await serve(openai_function).post(
        "/v1/responses", content=body, headers={"Content-Type": "application/json"}
    )
    assert response.status_code == 400
    assert response.json()["error"]["type"] == "invalid_request_error"


async def test_each_path_form_is_served(serve: Serve) -> None:
    """The routes are reached with and without `/api`."""
    client: httpx.AsyncClient = serve(openai_function)
    for path in ("/v1/models", "/api/v1/models", "/v1/models/openai%2Fgpt-4.1-mini", "/v1/models/openai/gpt-4.1-mini"):
        assert (await client.get(path)).status_code == 200


async def test_the_log_has_the_ticket_and_no_content(
    serve: Serve, idle: Service, lines: Callable[[], list[dict[str, Any]]]
) -> None:
    """The access log names the ticket, and repeats nothing of the request."""
    response = await idle.client.responses.create(model=MODEL, input="my secret", background=True)
    with pytest.raises(openai.BadRequestError):
        await idle.client.responses.create(model=MODEL, input="my secret", metadata={"x": "y" * 600})
    logged = lines()
    assert "my secret" not in str(logged)
    assert response.id[5:] in str(logged).replace("-", "")


async def test_a_background_stream_that_is_refused_leaves_no_ticket(
    idle: Service, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If a stream cannot be opened, its client knows no id, and may send the request again: its ticket is cancelled."""

    def refuse(*_: object) -> None:
        raise TooManyRequests("Too many streams.", retry_after=5)

    monkeypatch.setattr(openai_service_module, "follow_pieces", refuse)
    with pytest.raises(openai.RateLimitError):
        await idle.client.responses.create(model=MODEL, input="hi", background=True, stream=True)
    assert await statuses(database) == [TicketStatus.CANCELLED]


async def test_an_admitted_request_that_cannot_be_read_is_cancelled(
    idle: Service, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If the database fails right after the admission, the client gets 503 and may send the request again."""

    async def fail(*_: object) -> None:
        raise Unavailable("The database cannot be reached right now. Try again.", retry_after=5)

    monkeypatch.setattr(TicketService, "get", fail)
    with pytest.raises(openai.InternalServerError):
        await idle.client.responses.create(model=MODEL, input="hi", background=True)
    assert await statuses(database) == [TicketStatus.CANCELLED]


async def test_a_client_does_not_repeat_a_request_that_may_have_been_accepted(
    idle: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After an outage in which a request may have been accepted, the client does not send it again by itself."""
    sent = 0

    async def fail(*_: object) -> None:
        nonlocal sent
        sent += 1
        raise OutcomeUnknown("0b6f0d0e-5d0b-4c56-8f5e-6f7f3f1c2a10")

    monkeypatch.setattr(OpenAiService, "submit", fail)
    async with connect(idle.url, max_retries=2) as client:
        with pytest.raises(openai.InternalServerError):
            await client.responses.create(model=MODEL, input="hi")
    assert sent == 1


@pytest.mark.parametrize("role", [[], {}, 1, None, "robot"])
async def test_a_malformed_role_is_named(idle: Service, role: Any) -> None:
    """An item with a role that does not exist is a 400, whatever its type."""
    with pytest.raises(openai.BadRequestError) as raised:
        await idle.client.responses.create(model=MODEL, input=[{"role": role, "content": "hi"}])
    assert raised.value.param == "input[0].role"


async def test_an_agent_takes_no_images(idle: Service) -> None:
    """Images in a request to an agent are refused as such, not as an unknown model."""
    image = {"type": "input_image", "image_url": "https://images.example/a.png", "detail": "auto"}
    message: Any = {"role": "user", "content": [{"type": "input_text", "text": "hi"}, image]}
    with pytest.raises(openai.BadRequestError) as raised:
        await idle.client.responses.create(model="gofannon/greeter", input=[message])
    assert described(raised.value)[1] == "unsupported_parameter"


async def test_many_values_in_a_large_body_are_refused(idle: Service) -> None:
    """A large body that consists of tiny values would take too much memory when it is parsed."""
    body = b'{"input": [' + b"[]," * 500_000 + b"[]]}"
    async with httpx.AsyncClient(trust_env=False, timeout=60) as client:
        headers = {"Content-Type": "application/json"}
        response = await client.post(f"{idle.url}/v1/responses", content=body, headers=headers)
    assert (response.status_code, response.json()["error"]["code"]) == (413, "request_too_large")

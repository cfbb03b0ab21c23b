"""Tests the Python client against the service over HTTP."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from uuid import UUID

import httpx
import pytest

from firebase_agents_client import (
    AuthenticatedClient,
    ServiceError,
    TicketFailed,
    TicketTimeout,
    connect,
    function_address,
    hosting_address,
    local_address,
    resending,
    unwrap,
    wait_for_ticket,
    wait_for_ticket_async,
)
from firebase_agents_client.generated.api.agents import (
    agents_create,
    agents_delete,
    agents_get_agent,
    agents_list_agents,
    agents_run_code,
    agents_update,
)
from firebase_agents_client.generated.api.chat import chat_look_up, chat_submit
from firebase_agents_client.generated.api.demos import demos_open_page
from firebase_agents_client.generated.api.deployments import deployments_call, deployments_deploy
from firebase_agents_client.generated.api.providers import providers_get_model, providers_list_providers
from firebase_agents_client.generated.api.users import users_me
from firebase_agents_client.generated.models import (
    ChatRequest,
    CreateAgentRequest,
    DeploymentsCallBody,
    Error,
    FailedCode,
    FailedRun,
    Invalid,
    RunCodeRequest,
    UnknownOutcome,
    UpdateAgentRequest,
)
from local_platform.ports import free_port
from tests.clients.conftest import Host
from tests.clients.hosted import HostedService
from tests.doubles.model_server import Answer, Fail, ModelServer
from tests.functions.conftest import AuthHeaders

GREETER = "async def run(input_dict, tools):\n    return {'outputText': 'Hello, ' + input_dict['inputText']}"


@pytest.fixture
def hosted(host: Host) -> HostedService:
    return host()


@pytest.fixture
def client(hosted: HostedService) -> Iterator[AuthenticatedClient]:
    with connect(f"{hosted.address}/api") as client:
        yield client


def chat(prompt: str, model: str = "gpt-4.1-mini") -> ChatRequest:
    messages = [{"role": "user", "content": prompt}]
    return ChatRequest.from_dict({"provider": "openai", "model": model, "messages": messages})


def submit(client: AuthenticatedClient, prompt: str) -> str:
    return unwrap(chat_submit.sync_detailed(client=client, body=chat(prompt))).ticket_id


def interrupt(
    hosted: HostedService,
    status: int,
    body: str = '{"detail": "Later."}',
    media_type: str = "application/json",
    **query: int | str,
) -> None:
    """Replaces the service's response to the next look-up; with `for="call"`, to the next chat or agent call."""
    httpx.post(
        f"{hosted.address}/interrupt",
        params={"status": status, **query},
        content=body,
        headers={"Content-Type": media_type},
        trust_env=False,
    )


def lose(hosted: HostedService) -> None:
    """Makes the service process the next chat or agent call, but lose its response."""
    httpx.post(f"{hosted.address}/lose", trust_env=False)


@pytest.fixture
def fast_retries(monkeypatch: pytest.MonkeyPatch) -> None:
    """Makes retries immediate, unless the service asks for a pause."""
    monkeypatch.setattr(resending, "_FIRST_PAUSE", 0.01)


def test_the_address_functions() -> None:
    """The address functions return the documented addresses."""
    assert local_address() == "http://127.0.0.1:8000/api"
    assert hosting_address("demo-agents") == "https://demo-agents.web.app/api"
    assert function_address("chat", project="p") == "https://us-central1-p.cloudfunctions.net/chat"


def test_providers_can_be_looked_up(client: AuthenticatedClient) -> None:
    """The list of providers is keyed by slug. A single model has its parameters and prices."""
    providers = unwrap(providers_list_providers.sync_detailed(client=client))
    assert "gpt-4.1-mini" in providers["openai"].models.additional_properties
    model = unwrap(providers_get_model.sync_detailed("openai", "gpt-4.1-mini", client=client))
    assert model.prices is not None
    assert model.prices.input_ > 0
    assert model.parameters["temperature"].max_ == 2


def test_waiting_returns_the_result(client: AuthenticatedClient, model_server: ModelServer) -> None:
    """`wait_for_ticket` returns the result as soon as the chat is completed."""
    model_server.script("hello", Answer("Hello there.", delay=0.5, prompt_tokens=10, completion_tokens=5))
    result = wait_for_ticket(client, submit(client, "hello"))
    assert result.content == "Hello there."
    assert result.usage.total_tokens == 15
    assert result.cost > 0


def test_a_functions_own_address_serves_its_operations(hosted: HostedService) -> None:
    """The client works with the address of a single function, whose name the platform removes from the path."""
    with connect(f"{hosted.address}/own/chat") as direct:
        assert wait_for_ticket(direct, submit(direct, "direct")).content == "You said: direct"


async def test_a_chat_can_be_awaited(hosted: HostedService, model_server: ModelServer) -> None:
    """Waiting for a chat with async calls does not block the event loop."""
    model_server.script("slow", Answer("At last.", delay=0.5))
    async with connect(hosted.address) as client:
        accepted = unwrap(await chat_submit.asyncio_detailed(client=client, body=chat("slow")))
        wait = asyncio.create_task(wait_for_ticket_async(client, accepted.ticket_id))
        await asyncio.sleep(0)
        assert not wait.done()
        assert (await wait).content == "At last."


def test_a_failed_chat_raises_an_exception(client: AuthenticatedClient, model_server: ModelServer) -> None:
    """The exception for a failed chat has the ticket and a message for the user."""
    model_server.script("refused", Fail(401, "Incorrect API key provided."))
    with pytest.raises(TicketFailed, match="key") as caught:
        wait_for_ticket(client, submit(client, "refused"))
    assert caught.value.ticket.status == "failed"
    assert caught.value.ticket.result is None


def test_waiting_times_out(client: AuthenticatedClient, model_server: ModelServer) -> None:
    """If the wait times out, the caller can wait for the same ticket again."""
    model_server.script("endless", Answer("Here.", delay=1.5))
    ticket_id = submit(client, "endless")
    started_at = time.monotonic()
    with pytest.raises(TicketTimeout, match=ticket_id) as caught:
        wait_for_ticket(client, ticket_id, timeout=0.3)
    assert time.monotonic() - started_at >= 0.3
    assert isinstance(caught.value, TimeoutError)
    assert wait_for_ticket(client, ticket_id).content == "Here."


async def test_awaiting_times_out(hosted: HostedService, model_server: ModelServer) -> None:
    """If the async wait times out, the caller can await the same ticket again."""
    model_server.script("endless", Answer("Here.", delay=1))
    async with connect(hosted.address) as client:
        accepted = unwrap(await chat_submit.asyncio_detailed(client=client, body=chat("endless")))
        with pytest.raises(TicketTimeout):
            await wait_for_ticket_async(client, accepted.ticket_id, timeout=0.3)
        await wait_for_ticket_async(client, accepted.ticket_id)


def test_retry_after_is_honored(client: AuthenticatedClient, hosted: HostedService) -> None:
    """The next look-up happens only after the time in `Retry-After`."""
    ticket_id = submit(client, "busy")
    interrupt(hosted, 503, after=1)
    started_at = time.monotonic()
    assert wait_for_ticket(client, ticket_id).content == "You said: busy"
    assert time.monotonic() - started_at >= 1
    assert hosted.look_ups == 2


def test_a_retry_after_beyond_the_timeout_ends_the_wait(client: AuthenticatedClient, hosted: HostedService) -> None:
    """If `Retry-After` exceeds the timeout, the wait fails immediately, with the service's error as the cause."""
    ticket_id = submit(client, "busy")
    interrupt(hosted, 429, after=60)
    started_at = time.monotonic()
    with pytest.raises(TicketTimeout) as caught:
        wait_for_ticket(client, ticket_id, timeout=59)
    assert time.monotonic() - started_at < 55
    cause = caught.value.__cause__
    assert isinstance(cause, ServiceError)
    assert (cause.status, cause.retry_after, str(cause)) == (429, 60, "429: Later.")


def test_look_ups_are_retried_after_temporary_errors(client: AuthenticatedClient, hosted: HostedService) -> None:
    """Look-ups are retried whatever body the error has, because a proxy may send any body."""
    ticket_id = submit(client, "odd")
    interrupt(hosted, 502, "<h1>Bad Gateway</h1>", "text/html")
    interrupt(hosted, 500, "[]")
    interrupt(hosted, 504, "")
    assert wait_for_ticket(client, ticket_id).content == "You said: odd"
    assert hosted.look_ups >= 4


def test_an_error_that_is_not_json_raises_a_service_error(client: AuthenticatedClient, hosted: HostedService) -> None:
    """If an error response is not JSON, the call raises a `ServiceError` without a body."""
    interrupt(hosted, 503, "<h1>Away</h1>", "text/html", after=2)
    with pytest.raises(ServiceError, match="503") as caught:
        chat_look_up.sync_detailed("t", client=client)
    assert (caught.value.body, caught.value.retry_after) == (None, 2)
    interrupt(hosted, 403, "<h1>Not you</h1>", "text/html")
    with pytest.raises(ServiceError, match="403"):
        wait_for_ticket(client, "t")


def test_look_ups_are_retried_while_the_network_is_unavailable(project: str) -> None:
    """Look-ups that cannot connect are retried until the wait times out."""
    with connect(local_address(free_port())) as unreachable, pytest.raises(TicketTimeout) as caught:
        wait_for_ticket(unreachable, "t", timeout=0.5)
    assert isinstance(caught.value.__cause__, httpx.ConnectError)


def test_waiting_for_an_unknown_ticket_fails_immediately(client: AuthenticatedClient, hosted: HostedService) -> None:
    """After a 404, the wait raises an exception with the service's error and a request id."""
    with pytest.raises(ServiceError) as caught:
        wait_for_ticket(client, "no/such ticket")
    assert caught.value.status == 404
    assert isinstance(caught.value.body, Error)
    assert caught.value.request_id
    assert hosted.look_ups == 1


def test_agents_are_created_changed_and_deleted(client: AuthenticatedClient) -> None:
    """Agents can be published, and called without a token. An update with an outdated `_rev` is rejected."""
    new = CreateAgentRequest(name="Greeter", code=GREETER, friendly_name="greeter")
    agent = unwrap(agents_create.sync_detailed(client=client, body=new))
    assert (agent.visibility, agent.warnings, agent.engine) == ("private", [], "python")
    change = UpdateAgentRequest(field_rev=agent.field_rev, description="Greets.")
    changed = unwrap(agents_update.sync_detailed(agent.field_id, client=client, body=change))
    assert (changed.description, changed.name, changed.created_at) == ("Greets.", "Greeter", agent.created_at)
    rejected = agents_update.sync_detailed(agent.field_id, client=client, body=change)
    assert (rejected.status_code, type(rejected.parsed)) == (409, Error)
    listed = unwrap(agents_list_agents.sync_detailed(client=client, limit=10))
    assert [(entry.field_id, entry.description) for entry in listed] == [(agent.field_id, "Greets.")]
    deployed = unwrap(deployments_deploy.sync_detailed(agent.field_id, client=client))
    assert deployed.endpoint == "/rest/greeter"
    body = DeploymentsCallBody.from_dict({"inputText": "Ada"})
    assert unwrap(deployments_call.sync_detailed("greeter", client=client, body=body)) == {"outputText": "Hello, Ada"}
    assert unwrap(agents_delete.sync_detailed(agent.field_id, client=client)) is None
    with pytest.raises(ServiceError, match="404"):
        unwrap(agents_get_agent.sync_detailed(agent.field_id, client=client))


def test_code_is_run(client: AuthenticatedClient) -> None:
    """Running code returns its result, which can be any JSON value. An error has the details that the author needs."""
    request = RunCodeRequest.from_dict({"code": GREETER, "inputDict": {"inputText": "Ada"}})
    outcome = unwrap(agents_run_code.sync_detailed(client=client, body=request))
    assert (outcome.result, outcome.error, outcome.engine) == ({"outputText": "Hello, Ada"}, None, "python")
    failing = "async def run(input_dict, tools):\n    print('looking')\n    raise ValueError('no tea')"
    with pytest.raises(ServiceError, match="no tea") as caught:
        unwrap(agents_run_code.sync_detailed(client=client, body=RunCodeRequest(code=failing)))
    body = caught.value.body
    assert isinstance(body, FailedCode)
    assert (body.error, body.logs) == ("ValueError: no tea", ["looking"])
    assert "line 3" in body.traceback


def test_each_error_has_its_own_type(client: AuthenticatedClient) -> None:
    """Depending on the error, the body has a sentence, a list of problems, or the id of the failed run."""
    unknown = chat_submit.sync_detailed(client=client, body=chat("x", model="gpt-nothing"))
    assert (unknown.status_code, type(unknown.parsed)) == (400, Error)
    with pytest.raises(ServiceError, match=r"422: body\.messages: ") as caught:
        unwrap(chat_submit.sync_detailed(client=client, body=ChatRequest([], "openai", "gpt-4.1-mini")))
    assert isinstance(caught.value.body, Invalid)
    assert caught.value.body.detail[0].loc == ["body", "messages"]
    broken = CreateAgentRequest(
        name="Broken", code="async def run(input_dict, tools):\n    return 1 / 0", friendly_name="broken"
    )
    agent = unwrap(agents_create.sync_detailed(client=client, body=broken))
    unwrap(deployments_deploy.sync_detailed(agent.field_id, client=client))
    failed = deployments_call.sync_detailed("broken", client=client, body=DeploymentsCallBody())
    assert failed.status_code == 500
    assert isinstance(failed.parsed, FailedRun)
    assert str(failed.parsed.run_id).startswith("run-")
    assert demos_open_page.sync_detailed("none", client=client).status_code == 404


def test_the_token_provider_is_called_for_each_request(host: Host, auth_headers: AuthHeaders) -> None:
    """Each request calls the token provider. Without a token provider, the service rejects the request."""
    bearers = iter([auth_headers(who)["Authorization"].removeprefix("Bearer ") for who in ("user", "other")])
    address = host(app_env="firebase").address
    with connect(address, lambda: next(bearers)) as client:
        assert unwrap(users_me.sync_detailed(client=client)).field_id == "mine"
        assert unwrap(users_me.sync_detailed(client=client)).field_id == "other"
    with connect(address) as anonymous, pytest.raises(ServiceError, match="401: Sign in"):
        unwrap(users_me.sync_detailed(client=anonymous))


@pytest.fixture
async def async_token_client(host: Host, auth_headers: AuthHeaders) -> AsyncIterator[AuthenticatedClient]:
    async def bearer() -> str:
        await asyncio.sleep(0)
        return auth_headers("user")["Authorization"].removeprefix("Bearer ")

    async with connect(host(app_env="firebase").address, bearer) as client:
        yield client


async def test_a_token_provider_can_be_async(async_token_client: AuthenticatedClient) -> None:
    """Async calls work with an async token provider. Sync calls raise an error that explains the problem."""
    client = async_token_client
    assert unwrap(await users_me.asyncio_detailed(client=client)).field_id == "mine"
    with pytest.raises(TypeError, match="asyncio"):
        users_me.sync_detailed(client=client)


def is_uuid(key: str | None) -> bool:
    return key is not None and str(UUID(key)) == key


def test_a_chat_whose_response_is_lost_is_retried(
    client: AuthenticatedClient, hosted: HostedService, fast_retries: None
) -> None:
    """Retries have the key of the first request, so there is only one ticket. Another chat has another key."""
    lose(hosted)
    lose(hosted)
    response = chat_submit.sync_detailed(client=client, body=chat("lost"))
    assert response.headers["Idempotent-Replayed"] == "true"
    assert wait_for_ticket(client, unwrap(response).ticket_id).content == "You said: lost"
    assert "Idempotent-Replayed" not in chat_submit.sync_detailed(client=client, body=chat("lost")).headers
    assert [is_uuid(key) for key in hosted.keys] == [True] * 4
    assert len(set(hosted.keys[:3])) == 1
    assert hosted.keys[3] != hosted.keys[0]


async def test_an_async_chat_whose_response_is_lost_is_retried(hosted: HostedService, fast_retries: None) -> None:
    """Async calls are retried like sync calls."""
    lose(hosted)
    async with connect(f"{hosted.address}/api") as client:
        response = await chat_submit.asyncio_detailed(client=client, body=chat("lost"))
        assert response.headers["Idempotent-Replayed"] == "true"
        assert (await wait_for_ticket_async(client, unwrap(response).ticket_id)).content == "You said: lost"


def test_an_agent_whose_response_is_lost_runs_once(
    client: AuthenticatedClient, hosted: HostedService, fast_retries: None, model_server: ModelServer
) -> None:
    """A lost agent call is retried with the client's random key. If the caller passes a key, the client uses it."""
    code = (
        "async def run(input_dict, tools):\n"
        "    content, _ = await call_llm('openai', 'gpt-4.1-mini', 'hi', {'max_tokens': 100})\n"
        "    return content"
    )
    agent = unwrap(
        agents_create.sync_detailed(
            client=client, body=CreateAgentRequest(name="Asker", code=code, friendly_name="asker")
        )
    )
    unwrap(deployments_deploy.sync_detailed(agent.field_id, client=client))
    lose(hosted)
    body = DeploymentsCallBody.from_dict({"a": 1})
    assert unwrap(deployments_call.sync_detailed("asker", client=client, body=body)) == "You said: hi"
    response = deployments_call.sync_detailed("asker", client=client, body=body, idempotency_key="mine")
    assert unwrap(response) == "You said: hi"
    assert hosted.keys[0] == hosted.keys[1]
    assert hosted.keys[2] == "mine"
    assert len(model_server.calls) == 2


def test_requests_are_retried(client: AuthenticatedClient, hosted: HostedService, fast_retries: None) -> None:
    """A request is retried if the service asks for it, or if a proxy could not reach the service."""
    started_at = time.monotonic()
    interrupt(hosted, 503, after=1, **{"for": "call"})
    interrupt(hosted, 429, after=0, **{"for": "call"})
    interrupt(hosted, 409, after=0, **{"for": "call"})
    interrupt(hosted, 502, "<h1>Bad Gateway</h1>", "text/html", **{"for": "call"})
    assert submit(client, "again")
    assert time.monotonic() - started_at >= 0.99
    assert len(set(hosted.keys)) == 1
    assert len(hosted.keys) == 5


@pytest.mark.parametrize(
    ("status", "query"), [(503, {}), (503, {"after": 60}), (429, {"after": 3600}), (409, {}), (400, {})]
)
def test_other_failures_are_not_retried(
    client: AuthenticatedClient, hosted: HostedService, status: int, query: dict[str, int]
) -> None:
    """Without `Retry-After`, or with a long one, the caller decides whether to retry."""
    interrupt(hosted, status, **query, **{"for": "call"})
    response = chat_submit.sync_detailed(client=client, body=chat("no"))
    assert response.status_code == status
    assert len(hosted.keys) == 1


def test_a_request_is_sent_at_most_five_times(
    client: AuthenticatedClient, hosted: HostedService, fast_retries: None
) -> None:
    """After five attempts, the caller gets the last error."""
    for _ in range(6):
        interrupt(hosted, 503, after=0, **{"for": "call"})
    with pytest.raises(ServiceError, match="503: Later"):
        submit(client, "down")
    assert len(hosted.keys) == 5
    with connect(f"http://127.0.0.1:{free_port()}/api") as anonymous, pytest.raises(httpx.ConnectError):
        submit(anonymous, "away")


def test_a_chat_with_an_unknown_outcome_has_its_ticket(client: AuthenticatedClient, hosted: HostedService) -> None:
    """If the outcome of a chat is unknown, the exception has the ticket's id."""
    body = '{"detail": "Perhaps.", "ticket_id": "t"}'
    interrupt(hosted, 503, body, **{"for": "call"})
    with pytest.raises(ServiceError, match="503: Perhaps") as caught:
        submit(client, "perhaps")
    assert isinstance(caught.value.body, UnknownOutcome)
    assert caught.value.body.ticket_id == "t"


def test_other_requests_are_sent_once_and_without_a_key(client: AuthenticatedClient, hosted: HostedService) -> None:
    """Requests other than chats and agent calls are not retried: the service could not recognize the repetition."""
    unwrap(agents_create.sync_detailed(client=client, body=CreateAgentRequest(name="chat", code=GREETER)))
    unwrap(users_me.sync_detailed(client=client))
    assert hosted.keys == []

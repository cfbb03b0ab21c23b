"""The Python client against the service over HTTP."""

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
    answered,
    connect,
    function_address,
    hosting_address,
    local_address,
    resending,
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
from tests.clients.hosted import Hosted
from tests.doubles.model_server import Answer, Fail, ModelServer
from tests.functions.conftest import AuthHeaders

GREETER = "async def run(input_dict, tools):\n    return {'outputText': 'Hello, ' + input_dict['inputText']}"


@pytest.fixture
def hosted(host: Host) -> Hosted:
    return host()


@pytest.fixture
def client(hosted: Hosted) -> Iterator[AuthenticatedClient]:
    with connect(f"{hosted.address}/api") as client:
        yield client


def chat(prompt: str, model: str = "gpt-4.1-mini") -> ChatRequest:
    messages = [{"role": "user", "content": prompt}]
    return ChatRequest.from_dict({"provider": "openai", "model": model, "messages": messages})


def submit(client: AuthenticatedClient, prompt: str) -> str:
    return answered(chat_submit.sync_detailed(client=client, body=chat(prompt))).ticket_id


def interrupt(
    hosted: Hosted, status: int, body: str = '{"detail": "Later."}', media: str = "application/json", **query: int | str
) -> None:
    """Replaces the service's response to the next look-up; with `for="call"`, that to the next chat or agent call."""
    httpx.post(
        f"{hosted.address}/interrupt",
        params={"status": status, **query},
        content=body,
        headers={"Content-Type": media},
        trust_env=False,
    )


def lose(hosted: Hosted) -> None:
    """Loses the response to the next chat or agent call, which is processed."""
    httpx.post(f"{hosted.address}/lose", trust_env=False)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Makes retries immediate, unless the service asks for a pause."""
    monkeypatch.setattr(resending, "_FIRST_PAUSE", 0.01)


def test_the_base_addresses() -> None:
    """The addresses are those in the documentation."""
    assert local_address() == "http://127.0.0.1:8000/api"
    assert hosting_address("demo-agents") == "https://demo-agents.web.app/api"
    assert function_address("chat", project="p") == "https://us-central1-p.cloudfunctions.net/chat"


def test_providers_can_be_looked_up(client: AuthenticatedClient) -> None:
    """All providers are returned by slug, and one model with its parameters and prices."""
    providers = answered(providers_list_providers.sync_detailed(client=client))
    assert "gpt-4.1-mini" in providers["openai"].models.additional_properties
    model = answered(providers_get_model.sync_detailed("openai", "gpt-4.1-mini", client=client))
    assert model.prices is not None
    assert model.prices.input_ > 0
    assert model.parameters["temperature"].max_ == 2


def test_a_chat_is_waited_for(client: AuthenticatedClient, model_server: ModelServer) -> None:
    """Waiting ends with the result when the chat is completed."""
    model_server.script("hello", Answer("Hello there.", delay=0.5, prompt_tokens=10, completion_tokens=5))
    result = wait_for_ticket(client, submit(client, "hello"))
    assert result.content == "Hello there."
    assert result.usage.total_tokens == 15
    assert result.cost > 0


def test_a_functions_own_address_serves_its_operations(hosted: Hosted) -> None:
    """The client works although the platform removes the function's name from the path."""
    with connect(f"{hosted.address}/own/chat") as direct:
        assert wait_for_ticket(direct, submit(direct, "direct")).content == "You said: direct"


async def test_a_chat_is_awaited(hosted: Hosted, model_server: ModelServer) -> None:
    """The event loop is not blocked meanwhile."""
    model_server.script("slow", Answer("At last.", delay=0.5))
    async with connect(hosted.address) as client:
        accepted = answered(await chat_submit.asyncio_detailed(client=client, body=chat("slow")))
        waiting = asyncio.create_task(wait_for_ticket_async(client, accepted.ticket_id))
        await asyncio.sleep(0)
        assert not waiting.done()
        assert (await waiting).content == "At last."


def test_a_chat_that_failed_is_an_exception(client: AuthenticatedClient, model_server: ModelServer) -> None:
    """The exception has the ticket, and the sentence for the user."""
    model_server.script("refused", Fail(401, "Incorrect API key provided."))
    with pytest.raises(TicketFailed, match="key") as caught:
        wait_for_ticket(client, submit(client, "refused"))
    assert caught.value.ticket.status == "failed"
    assert caught.value.ticket.result is None


def test_waiting_times_out(client: AuthenticatedClient, model_server: ModelServer) -> None:
    """After a timeout, the ticket can be waited for again."""
    model_server.script("endless", Answer("Here.", delay=1.5))
    ticket_id = submit(client, "endless")
    began = time.monotonic()
    with pytest.raises(TicketTimeout, match=ticket_id) as caught:
        wait_for_ticket(client, ticket_id, timeout=0.3)
    assert 0.3 <= time.monotonic() - began < 1.4
    assert isinstance(caught.value, TimeoutError)
    assert wait_for_ticket(client, ticket_id).content == "Here."


async def test_awaiting_times_out(hosted: Hosted, model_server: ModelServer) -> None:
    """After a timeout, the ticket can be awaited again."""
    model_server.script("endless", Answer("Here.", delay=1))
    async with connect(hosted.address) as client:
        accepted = answered(await chat_submit.asyncio_detailed(client=client, body=chat("endless")))
        with pytest.raises(TicketTimeout):
            await wait_for_ticket_async(client, accepted.ticket_id, timeout=0.3)
        await wait_for_ticket_async(client, accepted.ticket_id)


def test_retry_after_is_honoured(client: AuthenticatedClient, hosted: Hosted) -> None:
    """The next look-up happens only after the time in `Retry-After`."""
    ticket_id = submit(client, "busy")
    interrupt(hosted, 503, after=1)
    began = time.monotonic()
    assert wait_for_ticket(client, ticket_id).content == "You said: busy"
    assert time.monotonic() - began >= 1
    assert hosted.look_ups == 2


def test_a_retry_after_beyond_the_limit_is_not_waited_for(client: AuthenticatedClient, hosted: Hosted) -> None:
    """The exception is raised immediately, with the service's error as its cause."""
    ticket_id = submit(client, "busy")
    interrupt(hosted, 429, after=60)
    began = time.monotonic()
    with pytest.raises(TicketTimeout) as caught:
        wait_for_ticket(client, ticket_id, timeout=5)
    assert time.monotonic() - began < 4
    cause = caught.value.__cause__
    assert isinstance(cause, ServiceError)
    assert (cause.status, cause.retry_after, str(cause)) == (429, 60, "429: Later.")


def test_temporary_errors_are_waited_out(client: AuthenticatedClient, hosted: Hosted) -> None:
    """A proxy in front of the service may send any body."""
    ticket_id = submit(client, "odd")
    interrupt(hosted, 502, "<h1>Bad Gateway</h1>", "text/html")
    interrupt(hosted, 500, "[]")
    interrupt(hosted, 504, "")
    assert wait_for_ticket(client, ticket_id).content == "You said: odd"
    assert hosted.look_ups >= 4


def test_an_error_without_json_is_the_same_exception(client: AuthenticatedClient, hosted: Hosted) -> None:
    """The `ServiceError` of any call has no body if the response is not JSON."""
    interrupt(hosted, 503, "<h1>Away</h1>", "text/html", after=2)
    with pytest.raises(ServiceError, match="503") as caught:
        chat_look_up.sync_detailed("t", client=client)
    assert (caught.value.body, caught.value.retry_after) == (None, 2)
    interrupt(hosted, 403, "<h1>Not you</h1>", "text/html")
    with pytest.raises(ServiceError, match="403"):
        wait_for_ticket(client, "t")


def test_an_unavailable_network_is_waited_out(project: str) -> None:
    """The client keeps trying until the time is up."""
    with connect(local_address(free_port())) as nowhere, pytest.raises(TicketTimeout) as caught:
        wait_for_ticket(nowhere, "t", timeout=0.5)
    assert isinstance(caught.value.__cause__, httpx.ConnectError)


def test_an_unknown_ticket_is_not_waited_for(client: AuthenticatedClient, hosted: Hosted) -> None:
    """A 404 raises an exception immediately, with the service's error and a request id."""
    with pytest.raises(ServiceError) as caught:
        wait_for_ticket(client, "no/such ticket")
    assert caught.value.status == 404
    assert isinstance(caught.value.body, Error)
    assert caught.value.request_id
    assert hosted.look_ups == 1


def test_agents_are_created_changed_and_deleted(client: AuthenticatedClient) -> None:
    """Agents can be published, and called without a token. A change with an old `_rev` is refused."""
    new = CreateAgentRequest(name="Greeter", code=GREETER, friendly_name="greeter")
    agent = answered(agents_create.sync_detailed(client=client, body=new))
    assert (agent.visibility, agent.warnings, agent.engine) == ("private", [], "python")
    change = UpdateAgentRequest(field_rev=agent.field_rev, description="Greets.")
    changed = answered(agents_update.sync_detailed(agent.field_id, client=client, body=change))
    assert (changed.description, changed.name, changed.created_at) == ("Greets.", "Greeter", agent.created_at)
    stale = agents_update.sync_detailed(agent.field_id, client=client, body=change)
    assert (stale.status_code, type(stale.parsed)) == (409, Error)
    listed = answered(agents_list_agents.sync_detailed(client=client, limit=10))
    assert [(entry.field_id, entry.description) for entry in listed] == [(agent.field_id, "Greets.")]
    deployed = answered(deployments_deploy.sync_detailed(agent.field_id, client=client))
    assert deployed.endpoint == "/rest/greeter"
    body = DeploymentsCallBody.from_dict({"inputText": "Ada"})
    assert answered(deployments_call.sync_detailed("greeter", client=client, body=body)) == {"outputText": "Hello, Ada"}
    assert answered(agents_delete.sync_detailed(agent.field_id, client=client)) is None
    with pytest.raises(ServiceError, match="404"):
        answered(agents_get_agent.sync_detailed(agent.field_id, client=client))


def test_code_is_run(client: AuthenticatedClient) -> None:
    """The result may be any JSON. An error has all details for the author."""
    request = RunCodeRequest.from_dict({"code": GREETER, "inputDict": {"inputText": "Ada"}})
    ran = answered(agents_run_code.sync_detailed(client=client, body=request))
    assert (ran.result, ran.error, ran.engine) == ({"outputText": "Hello, Ada"}, None, "python")
    failing = "async def run(input_dict, tools):\n    print('looking')\n    raise ValueError('no tea')"
    with pytest.raises(ServiceError, match="no tea") as caught:
        answered(agents_run_code.sync_detailed(client=client, body=RunCodeRequest(code=failing)))
    body = caught.value.body
    assert isinstance(body, FailedCode)
    assert (body.error, body.logs) == ("ValueError: no tea", ["looking"])
    assert "line 3" in body.traceback


def test_errors_have_specific_types(client: AuthenticatedClient) -> None:
    """Depending on the status, the body is a sentence, a list of problems, or has a run's id."""
    unknown = chat_submit.sync_detailed(client=client, body=chat("x", model="gpt-nothing"))
    assert (unknown.status_code, type(unknown.parsed)) == (400, Error)
    with pytest.raises(ServiceError, match=r"422: body\.messages: ") as caught:
        answered(chat_submit.sync_detailed(client=client, body=ChatRequest([], "openai", "gpt-4.1-mini")))
    assert isinstance(caught.value.body, Invalid)
    assert caught.value.body.detail[0].loc == ["body", "messages"]
    broken = CreateAgentRequest(
        name="Broken", code="async def run(input_dict, tools):\n    return 1 / 0", friendly_name="broken"
    )
    agent = answered(agents_create.sync_detailed(client=client, body=broken))
    answered(deployments_deploy.sync_detailed(agent.field_id, client=client))
    failed = deployments_call.sync_detailed("broken", client=client, body=DeploymentsCallBody())
    assert failed.status_code == 500
    assert isinstance(failed.parsed, FailedRun)
    assert str(failed.parsed.run_id).startswith("run-")
    assert demos_open_page.sync_detailed("none", client=client).status_code == 404


def test_each_request_asks_for_a_token(host: Host, auth_headers: AuthHeaders) -> None:
    """Every request gets a current token. Without a token provider, the service refuses it."""
    bearers = iter([auth_headers(who)["Authorization"].removeprefix("Bearer ") for who in ("user", "other")])
    address = host(app_env="firebase").address
    with connect(address, lambda: next(bearers)) as client:
        assert answered(users_me.sync_detailed(client=client)).field_id == "mine"
        assert answered(users_me.sync_detailed(client=client)).field_id == "other"
    with connect(address) as anonymous, pytest.raises(ServiceError, match="401: Sign in"):
        answered(users_me.sync_detailed(client=anonymous))


@pytest.fixture
async def async_token_client(host: Host, auth_headers: AuthHeaders) -> AsyncIterator[AuthenticatedClient]:
    async def bearer() -> str:
        await asyncio.sleep(0)
        return auth_headers("user")["Authorization"].removeprefix("Bearer ")

    async with connect(host(app_env="firebase").address, bearer) as client:
        yield client


async def test_a_token_may_be_awaited(async_token_client: AuthenticatedClient) -> None:
    """Async calls can use an async provider. Sync calls raise an error that explains the problem."""
    client = async_token_client
    assert answered(await users_me.asyncio_detailed(client=client)).field_id == "mine"
    with pytest.raises(TypeError, match="asyncio"):
        users_me.sync_detailed(client=client)


def is_uuid(key: str | None) -> bool:
    return key is not None and str(UUID(key)) == key


def test_a_chat_whose_response_is_lost_is_sent_again(client: AuthenticatedClient, hosted: Hosted, quick: None) -> None:
    """The second request has the same key, so there is one ticket. Another chat has another key."""
    lose(hosted)
    lose(hosted)
    response = chat_submit.sync_detailed(client=client, body=chat("lost"))
    assert response.headers["Idempotent-Replayed"] == "true"
    assert wait_for_ticket(client, answered(response).ticket_id).content == "You said: lost"
    assert "Idempotent-Replayed" not in chat_submit.sync_detailed(client=client, body=chat("lost")).headers
    assert [is_uuid(key) for key in hosted.keys] == [True] * 4
    assert len(set(hosted.keys[:3])) == 1
    assert hosted.keys[3] != hosted.keys[0]


async def test_an_awaited_chat_whose_response_is_lost_is_sent_again(hosted: Hosted, quick: None) -> None:
    """Async calls are retried like sync calls."""
    lose(hosted)
    async with connect(f"{hosted.address}/api") as client:
        response = await chat_submit.asyncio_detailed(client=client, body=chat("lost"))
        assert response.headers["Idempotent-Replayed"] == "true"
        assert (await wait_for_ticket_async(client, answered(response).ticket_id)).content == "You said: lost"


def test_an_agent_whose_response_is_lost_runs_once(
    client: AuthenticatedClient, hosted: Hosted, quick: None, model_server: ModelServer
) -> None:
    """The request has the caller's key, or one that the client chooses."""
    code = (
        "async def run(input_dict, tools):\n"
        "    content, _ = await call_llm('openai', 'gpt-4.1-mini', 'hi', {'max_tokens': 100})\n"
        "    return content"
    )
    agent = answered(
        agents_create.sync_detailed(
            client=client, body=CreateAgentRequest(name="Asker", code=code, friendly_name="asker")
        )
    )
    answered(deployments_deploy.sync_detailed(agent.field_id, client=client))
    lose(hosted)
    body = DeploymentsCallBody.from_dict({"a": 1})
    assert answered(deployments_call.sync_detailed("asker", client=client, body=body)) == "You said: hi"
    response = deployments_call.sync_detailed("asker", client=client, body=body, idempotency_key="mine")
    assert answered(response) == "You said: hi"
    assert hosted.keys[0] == hosted.keys[1]
    assert hosted.keys[2] == "mine"
    assert len(model_server.calls) == 2


def test_requests_are_retried(client: AuthenticatedClient, hosted: Hosted, quick: None) -> None:
    """A request is repeated if the service asks for it, or could not be reached."""
    began = time.monotonic()
    interrupt(hosted, 503, after=1, **{"for": "call"})
    interrupt(hosted, 429, after=0, **{"for": "call"})
    interrupt(hosted, 409, after=0, **{"for": "call"})
    interrupt(hosted, 502, "<h1>Bad Gateway</h1>", "text/html", **{"for": "call"})
    assert submit(client, "again")
    assert time.monotonic() - began >= 0.99
    assert len(set(hosted.keys)) == 1
    assert len(hosted.keys) == 5


@pytest.mark.parametrize(
    ("status", "query"), [(503, {}), (503, {"after": 60}), (429, {"after": 3600}), (409, {}), (400, {})]
)
def test_other_failures_are_not_retried(
    client: AuthenticatedClient, hosted: Hosted, status: int, query: dict[str, int]
) -> None:
    """Without `Retry-After`, or with a long one, the caller decides whether to retry."""
    interrupt(hosted, status, **query, **{"for": "call"})
    response = chat_submit.sync_detailed(client=client, body=chat("no"))
    assert response.status_code == status
    assert len(hosted.keys) == 1


def test_a_request_is_sent_at_most_five_times(client: AuthenticatedClient, hosted: Hosted, quick: None) -> None:
    """After that, the caller gets its last outcome."""
    for _ in range(6):
        interrupt(hosted, 503, after=0, **{"for": "call"})
    with pytest.raises(ServiceError, match="503: Later"):
        submit(client, "down")
    assert len(hosted.keys) == 5
    with connect(f"http://127.0.0.1:{free_port()}/api") as anonymous, pytest.raises(httpx.ConnectError):
        submit(anonymous, "away")


def test_a_chat_with_an_unknown_outcome_has_its_ticket(client: AuthenticatedClient, hosted: Hosted) -> None:
    """The exception after the last attempt has the ticket's id."""
    body = '{"detail": "Perhaps.", "ticket_id": "t"}'
    interrupt(hosted, 503, body, **{"for": "call"})
    with pytest.raises(ServiceError, match="503: Perhaps") as caught:
        submit(client, "perhaps")
    assert isinstance(caught.value.body, UnknownOutcome)
    assert caught.value.body.ticket_id == "t"


def test_other_requests_are_sent_once_and_without_a_key(client: AuthenticatedClient, hosted: Hosted) -> None:
    """The service could not recognize a repeated request that saves an agent."""
    answered(agents_create.sync_detailed(client=client, body=CreateAgentRequest(name="chat", code=GREETER)))
    answered(users_me.sync_detailed(client=client))
    assert hosted.keys == []

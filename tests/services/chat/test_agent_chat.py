"""Published agents answer chats, from submission to the end of the ticket."""

import asyncio
from typing import Any

import pytest

from shared.llm.catalog import Catalog
from shared.models.agent_run import summarize_input
from shared.models.caller import Caller
from shared.models.catalog import GOFANNON
from shared.models.chat import ChatRequest, TicketStatus
from shared.models.errors import AllowanceSpent, BadRequest, TooEarly
from shared.models.ticket import Ticket
from shared.models.user import AccountChange
from shared.sandbox import run_slots as run_slots
from shared.services.agents.deployments import DeploymentService
from shared.services.chat.agent_chat import to_content
from shared.settings import Settings
from tests.doubles.api_server import ApiServer
from tests.doubles.model_server import Answer, ModelServer
from tests.sandbox.children import find_workers, kill_all
from tests.services.chat.dispatching import expire_lease, get_ticket
from tests.services.harness import Harness
from tests.services.publishing import MODEL_CALLER, publish

OWNER = Caller(uid="owner")


@pytest.fixture
async def harness(settings: Settings, catalog: Catalog, api_server: ApiServer) -> Harness:
    return Harness(settings.model_copy(update={"outbound_allowed_hosts": (api_server.host,)}), catalog)


def agent_chat(text: str, name: str = "agent", **parameters: Any) -> ChatRequest:
    messages = [
        {"role": "user", "content": "an older one"},
        {"role": "assistant", "content": "yes?"},
        {"role": "user", "content": text},
        {"role": "system", "content": "be kind"},
    ]
    body = {"messages": messages, "provider": GOFANNON, "model": name, "parameters": parameters}
    return ChatRequest.model_validate(body)


async def answer(harness: Harness, caller: Caller, request: ChatRequest) -> Ticket:
    accepted = await harness.chat.submit(caller, request)
    await harness.deliver(accepted.ticket_id)
    return await get_ticket(harness, accepted.ticket_id)


async def test_the_values_of_a_form_are_converted(harness: Harness, caller: Caller) -> None:
    """The strings that a frontend sends from its form's fields are converted to the schema's types."""
    code = "async def run(input_dict, tools):\n    return input_dict"
    schema = {"inputText": "string", "days": "integer", "flag": "boolean", "tags": ["string"]}
    await publish(harness.database, caller, "agent", code, inputSchema=schema)
    ticket = await answer(harness, caller, agent_chat("7", days="3", flag="true", tags="a,b"))
    assert ticket.result is not None, ticket.error
    assert ticket.result.thoughts == {"inputText": "7", "days": 3, "flag": True, "tags": ["a", "b"]}


async def test_a_chat_runs_the_agent_and_charges_the_caller(
    harness: Harness, caller: Caller, model_server: ModelServer
) -> None:
    """The agent's result is the answer. The chat costs as much as the agent's model calls, and each is charged once."""
    await publish(harness.database, OWNER, "agent", MODEL_CALLER, visibility="shared")
    ticket = await answer(harness, caller, agent_chat("Why?"))
    assert ticket.status is TicketStatus.COMPLETED
    assert ticket.result is not None
    assert (ticket.result.content, ticket.result.thoughts) == (
        "You said: Why?",
        {"outputText": "You said: Why?"},
    )
    assert (ticket.result.model, ticket.result.usage.total_tokens) == ("gofannon/agent", 1500)
    (charged,) = await harness.get_charges(caller.uid)
    assert ticket.result.cost == charged / 1_000_000
    account = await harness.account(caller.uid)
    assert (account.remaining, account.held) == (account.allowance - charged, 0)


async def test_parameters_become_part_of_the_input(harness: Harness) -> None:
    """A chat's parameters become part of the agent's input and, like the message, are checked against its schema."""
    code = "async def run(input_dict, tools):\n    return input_dict"
    await publish(harness.database, OWNER, "agent", code, inputSchema={"inputText": "string", "n": "integer"})
    ticket = await answer(harness, OWNER, agent_chat("hi", n=3))
    assert ticket.result is not None
    assert ticket.result.thoughts == {"inputText": "hi", "n": 3}
    assert ticket.result.content == '{"n": 3, "inputText": "hi"}'
    invalid = await answer(harness, OWNER, agent_chat("hi", n="three"))
    assert (invalid.status, invalid.attempts) == (TicketStatus.FAILED, 1)
    assert "does not accept this input: n: " in (invalid.error or "")


async def test_callers_can_chat_only_with_agents_that_they_may_see(harness: Harness, caller: Caller) -> None:
    """An unknown agent and another user's private one cause the same 400."""
    await publish(harness.database, OWNER, "agent")
    for name in ("agent", "unknown", "a/b"):
        with pytest.raises(BadRequest, match="No agent that you can see is published as"):
            await harness.chat.submit(caller, agent_chat("hi", name))


async def test_a_spent_allowance_causes_402_immediately(harness: Harness) -> None:
    """If the allowance is spent, a chat with an agent is rejected when it is submitted, like any other chat."""
    await publish(harness.database, OWNER, "agent")
    await harness.users.change(OWNER, AccountChange(spend_remaining=0))
    with pytest.raises(AllowanceSpent):
        await harness.chat.submit(OWNER, agent_chat("hi"))


async def test_a_failing_agent_fails_the_ticket_once(harness: Harness, caller: Caller) -> None:
    """The agent's owner sees the reason, and other users see the run's id. The run is not retried."""
    await publish(harness.database, OWNER, "agent", "async def run(i, t):\n    return 1 / 0", visibility="shared")
    own = await answer(harness, OWNER, agent_chat("hi"))
    assert (own.status, own.attempts) == (TicketStatus.FAILED, 1)
    assert own.error == "The agent failed: ZeroDivisionError: division by zero."
    others = await answer(harness, caller, agent_chat("hi"))
    assert others.error == f"The agent failed. Its run is {others.id}."


async def test_an_unpublished_agent_fails_the_ticket(harness: Harness) -> None:
    """The ticket fails if its agent is unpublished between the request and the answer."""
    agent = await publish(harness.database, OWNER, "agent")
    accepted = await harness.chat.submit(OWNER, agent_chat("hi"))
    await DeploymentService(harness.database, harness.settings).undeploy(OWNER, agent.id)
    await harness.deliver(accepted.ticket_id)
    ticket = await get_ticket(harness, accepted.ticket_id)
    assert ticket.error == "No agent that you can see is published as 'agent'."


async def test_an_interrupted_run_continues(harness: Harness, api_server: ApiServer, model_server: ModelServer) -> None:
    """If the worker dies during the run, the next one continues it. What was done is not done or charged again."""
    code = f"""
async def run(input_dict, tools):
    await call_llm("openai", "gpt-4.1-mini", "hi", {{"max_tokens": 10}})
    await http_client.post("{api_server.address}/echo", json={{}})
    await http_client.get("{api_server.address}/slow?seconds=2")
    return "done"
"""
    await publish(harness.database, OWNER, "agent", code)
    accepted = await harness.chat.submit(OWNER, agent_chat("hi"))
    dying = asyncio.create_task(harness.deliver(accepted.ticket_id))
    while "/slow" not in api_server.paths():  # noqa: ASYNC110 - another thread receives the request
        await asyncio.sleep(0.01)
    dying.cancel()
    await asyncio.gather(dying, return_exceptions=True)
    assert (await get_ticket(harness, accepted.ticket_id)).status is TicketStatus.PROCESSING
    with pytest.raises(TooEarly):
        await harness.deliver(accepted.ticket_id)  # the lease has not expired yet
    await expire_lease(harness, accepted.ticket_id)
    await harness.deliver(accepted.ticket_id)
    ticket = await get_ticket(harness, accepted.ticket_id)
    assert (ticket.status, ticket.result and ticket.result.content) == (TicketStatus.COMPLETED, "done")
    assert [path for path in api_server.paths() if path == "/slow"] == ["/slow", "/slow"]
    keys = {call.headers["idempotency-key"] for call in api_server.calls if call.path == "/echo"}
    assert keys == {f"{accepted.ticket_id}-2"}
    assert len(await harness.get_charges(OWNER.uid)) == 1
    assert (await harness.account(OWNER.uid)).held == 0


@pytest.mark.parametrize("calls", [0, 1, 2])
async def test_a_run_continues_in_another_interpreter_if_one_is_killed(
    calls: int, harness: Harness, caller: Caller, model_server: ModelServer
) -> None:
    """The model calls before are neither made nor charged again, and the run ends as if nothing had happened."""
    code = (
        "import asyncio\n"
        "async def run(input_dict, tools):\n"
        "    for n in range(input_dict['calls']):\n"
        "        await call_llm(provider='openai', model='gpt-4.1-mini', "
        "messages=[{'role': 'user', 'content': f'call {n}'}])\n"
        "    await asyncio.sleep(2)\n"
        "    return {'outputText': 'alive'}"
    )
    schema = {"inputText": "string", "calls": "integer"}
    await publish(harness.database, OWNER, "agent", code, visibility="shared", inputSchema=schema)
    for n in range(calls):
        model_server.script(f"call {n}", Answer("yes", prompt_tokens=1000, completion_tokens=100))
    accepted = await harness.chat.submit(caller, agent_chat("x", calls=calls))
    delivery = asyncio.create_task(harness.deliver(accepted.ticket_id))
    async with asyncio.timeout(30):
        while not find_workers() or len(await harness.get_charges(caller.uid)) < calls:  # noqa: ASYNC110 - no event
            await asyncio.sleep(0.05)
    await asyncio.sleep(0.5)
    kill_all()
    with pytest.raises(TooEarly):
        await delivery
    await harness.deliver(accepted.ticket_id)
    ticket = await get_ticket(harness, accepted.ticket_id)
    assert ticket.result
    assert ticket.result.content == "alive"
    assert await harness.get_charges(caller.uid) == [560] * calls
    assert len(model_server.calls) == calls
    account = await harness.account(caller.uid)
    assert (account.remaining, account.held) == (account.allowance - 560 * calls, 0)


async def test_a_ticket_without_a_run_slot_is_retried(harness: Harness, monkeypatch: pytest.MonkeyPatch) -> None:
    """A ticket that finds no run slot uses up no attempt, and the next delivery answers it."""
    harness = Harness(harness.settings.model_copy(update={"runs_at_once": 1}), harness.catalog)
    await publish(harness.database, OWNER, "agent")
    accepted = await harness.chat.submit(OWNER, agent_chat("hi"))
    monkeypatch.setattr(run_slots, "_WAITING_SECONDS", 0.05)
    async with run_slots.slots(1, 0).slot(()):
        with pytest.raises(TooEarly):
            await harness.deliver(accepted.ticket_id)
    waiting = await get_ticket(harness, accepted.ticket_id)
    assert (waiting.attempts, waiting.status) == (0, TicketStatus.PENDING)
    await harness.deliver(accepted.ticket_id)
    assert (await get_ticket(harness, accepted.ticket_id)).status is TicketStatus.COMPLETED


async def test_a_task_that_is_delivered_twice_runs_the_agent_once(harness: Harness, api_server: ApiServer) -> None:
    """Neither simultaneous nor later deliveries run the agent again."""
    code = (
        f"async def run(i, t):\n    return (await http_client.post('{api_server.address}/echo', json={{}})).status_code"
    )
    await publish(harness.database, OWNER, "agent", code)
    accepted = await harness.chat.submit(OWNER, agent_chat("hi"))
    await asyncio.gather(*(harness.deliver(accepted.ticket_id) for _ in range(4)), return_exceptions=True)
    await harness.deliver(accepted.ticket_id)
    assert (await get_ticket(harness, accepted.ticket_id)).status is TicketStatus.COMPLETED
    assert api_server.paths() == ["/echo"]


@pytest.mark.parametrize(
    ("result", "content"),
    [({"outputText": "x", "more": 1}, "x"), ({"outputText": 3}, '{"outputText": 3}'), ("text", "text"), (None, "null"),
     ([1, "é"], '[1, "é"]')],
)  # fmt: skip
def test_a_result_becomes_the_content_of_an_answer(result: Any, content: str) -> None:
    """A string, or a dict's `outputText` string, becomes the content unchanged. Anything else becomes JSON."""
    assert to_content(result) == content


def test_a_chat_without_a_users_message_has_an_empty_input_text() -> None:
    """Without a user's message, `inputText` is empty. A message takes precedence over a parameter `inputText`."""
    system = ChatRequest.model_validate(
        {"messages": [{"role": "system", "content": "s"}], "provider": GOFANNON, "model": "m", "parameters": {"a": 1}}
    )
    assert summarize_input(system) == {"a": 1, "inputText": ""}
    assert summarize_input(agent_chat("hi", inputText="no"))["inputText"] == "hi"


async def test_invalid_input_with_a_long_name_ends_the_ticket(harness: Harness, caller: Caller) -> None:
    """The stored error contains the shortened name of the invalid part of the input."""
    schema = {
        "type": "object",
        "properties": {"inputText": {"type": "string"}},
        "additionalProperties": {"additionalProperties": {"type": "integer"}},
    }
    await publish(harness.database, OWNER, "agent", inputSchema=schema, visibility="shared")
    invalid_parameters: Any = {"n" * 500_000: {str(number): "x" for number in range(5)}}
    ticket = await answer(harness, caller, agent_chat("hi", **invalid_parameters))
    assert ticket.status is TicketStatus.FAILED
    assert (ticket.error or "").startswith("The agent does not accept this input: nnn")
    assert len(ticket.error or "") < 2_000

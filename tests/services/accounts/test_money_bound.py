"""Money is a bound: whatever a user does, providers bill no more than the allowance, and the ledger has it all.

The provider bills four bytes to a token of everything that it receives, and answers as long as it may.
"""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from shared.llm.catalog import Catalog
from shared.llm.completion import complete
from shared.models.agent import CreateAgentRequest
from shared.models.caller import Caller
from shared.models.chat import ChatRequest
from shared.models.code_writing import GenerateCodeRequest
from shared.models.errors import AllowanceSpent, ServiceError, TooEarly
from shared.models.money import MICROS_PER_DOLLAR
from shared.models.run import RunCodeRequest
from shared.models.user import AccountChange
from shared.sandbox.engine import create_engine
from shared.services import model_calls
from shared.services.agents.agents import AgentService
from shared.services.chat.sweep import SweepService
from shared.services.generation.code_writing import CodeWritingService
from shared.services.model_calls import ModelCallService
from shared.settings import Settings
from tests.conftest import SECRET_KEY
from tests.doubles.billing_server import BillingServer
from tests.services.harness import Harness, chat

MODEL = "gpt-4.1"
ALLOWANCE = 0.2
"""US dollars. The longest answer of the model costs more."""


@pytest.fixture(scope="module")
def _billing_server() -> Iterator[BillingServer]:
    info = Catalog.load({"OPENAI_API_KEY": "x"}).get_model("openai", MODEL)
    assert info.prices is not None
    assert info.max_output_tokens is not None
    server = BillingServer(info.prices, info.max_output_tokens)
    server.start()
    yield server
    server.stop()


@pytest.fixture
def billing_server(_billing_server: BillingServer) -> BillingServer:
    _billing_server.bill, _billing_server.requests = Decimal(0), 0
    _billing_server.slow_may_end.clear()
    return _billing_server


@pytest.fixture
def catalog(billing_server: BillingServer) -> Catalog:
    return Catalog.load({"OPENAI_API_KEY": SECRET_KEY, "OPENAI_BASE_URL": billing_server.base_url})


@pytest.fixture
async def harness(settings: Settings, catalog: Catalog, caller: Caller) -> Harness:
    """The caller has `ALLOWANCE`, and no rate limit; two hundred at once may take their time."""
    patient = {"chat_rate_per_minute": 0, "lease_seconds": 60.0, "store_timeout_seconds": 120.0}
    harness = Harness(settings.model_copy(update=patient), catalog)
    await harness.users.change(caller, AccountChange(monthly_allowance=ALLOWANCE, spend_remaining=ALLOWANCE))
    return harness


async def assert_bound(harness: Harness, caller: Caller, server: BillingServer) -> None:
    """The bill is within the allowance, give or take two hundredths, and the ledger has it to the millionth."""
    while (account := await harness.account(caller.uid)).held:  # noqa: ASYNC110 - abandoned calls continue
        await asyncio.sleep(0.05)
    micros = server.bill * MICROS_PER_DOLLAR
    assert micros <= Decimal("1.02") * account.allowance
    assert abs(micros - (sum(await harness.charged(caller.uid)) + account.owed)) <= 1
    assert server.requests > 0


async def try_chat(harness: Harness, caller: Caller, request: ChatRequest) -> None:
    """From the submission to the end, if it is accepted."""
    try:
        accepted = await harness.chat.submit(caller, request)
    except AllowanceSpent:
        return
    while not (await harness.chat.look_up(caller, accepted.ticket_id)).status.finished:
        try:
            await harness.deliver(accepted.ticket_id)
        except TooEarly:
            continue


def request_of(prompt: str, parameters: dict[str, Any], **fields: Any) -> ChatRequest:
    return chat(prompt, model=MODEL).model_copy(update={"parameters": parameters, **fields})


SCHEMA = {
    "type": "json_schema",
    "json_schema": {
        "name": "answer",
        "schema": {"type": "object", "properties": {}, "description": "A long description. " * 2_000},
    },
}
TINY, LONG_SCHEMA = {"max_tokens": 1}, {"max_tokens": 1, "response_format": SCHEMA}


@pytest.mark.parametrize(
    "request_",
    [
        request_of("hello", {}),
        request_of("hello", {"max_tokens": 3000}),
        request_of("hello" * 5_000, TINY),
        request_of("hello", LONG_SCHEMA),
        request_of("no usage", {"max_tokens": 500}),
        request_of("\x01é漢😀" * 500, {"max_tokens": 100}),
        request_of("broken off", {"max_tokens": 300}),
        request_of("half a stream", {"max_tokens": 300}, stream=True),
        request_of("broken off", {"max_tokens": 300}, stream=True),
    ],
    ids=[
        "no limit",
        "long",
        "prompt",
        "schema",
        "no usage",
        "unicode",
        "broken off",
        "half a stream",
        "no stream",
    ],
)
async def test_two_hundred_chats_at_once_cost_the_allowance_at_most(
    harness: Harness, caller: Caller, billing_server: BillingServer, request_: ChatRequest
) -> None:
    """Whatever makes a chat expensive: its answer, its prompt, a schema, a tool, or a connection that breaks."""
    await asyncio.gather(*(try_chat(harness, caller, request_) for _ in range(200)))
    await assert_bound(harness, caller, billing_server)


async def test_built_in_tools_cost_the_allowance_at_most(
    harness: Harness, caller: Caller, billing_server: BillingServer
) -> None:
    """The provider searches as often as it may, reads everything again after each search, and charges a fee for it."""
    await harness.users.change(caller, AccountChange(monthly_allowance=2, spend_remaining=2))
    request = request_of("hello", {"max_tokens": 100}, built_in_tools=["web_search"])
    await asyncio.gather(*(try_chat(harness, caller, request) for _ in range(200)))
    await assert_bound(harness, caller, billing_server)


CALLS = """
import asyncio

async def run(input_dict, tools):
    async def ask(number):
        try:
            return await call_llm(provider="openai", model="gpt-4.1", messages=[{"role": "user", "content": "hello"}],
                                  parameters=input_dict["parameters"], timeout=input_dict.get("timeout"))
        except Exception as error:
            return str(error)
    return {"answers": len(await asyncio.gather(*[ask(number) for number in range(40)]))}
"""


@pytest.mark.parametrize("parameters", [{}, {"max_tokens": 2_000}, LONG_SCHEMA], ids=["no limit", "long", "schema"])
async def test_a_run_costs_the_setting_and_the_allowance_at_most(
    harness: Harness, caller: Caller, billing_server: BillingServer, parameters: dict[str, Any]
) -> None:
    """Forty calls at once, in five concurrent runs."""
    request = RunCodeRequest(code=CALLS, input_dict={"parameters": parameters})
    await asyncio.gather(*(harness.runs.run_code(caller, request) for _ in range(5)), return_exceptions=True)
    await assert_bound(harness, caller, billing_server)


async def test_one_run_costs_the_setting_at_most(
    settings: Settings, catalog: Catalog, caller: Caller, billing_server: BillingServer
) -> None:
    """`RUN_MAX_COST` limits what is spent, not what is estimated. The user has plenty."""
    harness = Harness(settings.model_copy(update={"run_max_cost": 0.05}), catalog)
    request = RunCodeRequest(code=CALLS, input_dict={"parameters": {"max_tokens": 2_000}})
    await harness.runs.run_code(caller, request)
    assert 0 < billing_server.bill <= Decimal("0.05")
    await assert_bound(harness, caller, billing_server)


async def test_calls_that_their_run_no_longer_waits_for_are_charged(
    harness: Harness, caller: Caller, billing_server: BillingServer
) -> None:
    """Each run gives up after the provider has begun, which bills the call all the same."""
    parameters: dict[str, Any] = {"max_tokens": 50}
    code = CALLS.replace('"hello"', '"slow"')
    request = RunCodeRequest(code=code, input_dict={"parameters": parameters, "timeout": 3})
    await asyncio.gather(*(harness.runs.run_code(caller, request) for _ in range(3)), return_exceptions=True)
    assert (await harness.account(caller.uid)).held
    billing_server.slow_may_end.set()
    await assert_bound(harness, caller, billing_server)


async def test_calls_whose_process_never_comes_back_are_charged_what_they_hold(
    harness: Harness, caller: Caller, billing_server: BillingServer
) -> None:
    """An instance may be ended once it has answered. Its calls were billed, so their money does not come back."""
    code = CALLS.replace('"hello"', '"slow"').replace("range(40)", "range(4)")
    request = RunCodeRequest(code=code, input_dict={"parameters": {"max_tokens": 1_000}, "timeout": 3})
    holds = harness.database._client.collection("holds")  # pyright: ignore[reportPrivateUsage]
    for _ in range(8):  # each would spend a sixth of the allowance
        await asyncio.gather(harness.runs.run_code(caller, request), return_exceptions=True)
        for document in await holds.get():
            await document.reference.update({"expires_at": datetime.now(UTC) - timedelta(seconds=1)})
        await SweepService(harness.database, harness.queue, harness.settings).sweep()
    account = await harness.account(caller.uid)
    assert account.held == 0
    assert 0 < billing_server.bill * MICROS_PER_DOLLAR <= sum(await harness.charged(caller.uid)) <= account.allowance
    charged = await harness.charged(caller.uid)
    billing_server.slow_may_end.set()
    while model_calls._under_way:  # noqa: ASYNC110  # pyright: ignore[reportPrivateUsage]
        await asyncio.sleep(0.05)
    assert await harness.charged(caller.uid) == charged


async def test_chained_agents_cost_the_allowance_at_most(
    harness: Harness, caller: Caller, billing_server: BillingServer
) -> None:
    """An agent that calls another forty times, which calls a model."""
    agents = AgentService(harness.database)
    inner = await agents.create(
        caller, CreateAgentRequest(name="inner", description="It asks.", code=CALLS.replace("range(40)", "range(4)"))
    )
    code = """
async def run(input_dict, tools):
    for number in range(8):
        await gofannon_client.call(agent_name="inner", input_dict={"parameters": {"max_tokens": 2000}})
    return {}
"""
    request = RunCodeRequest(code=code, gofannon_agents=[inner.id])
    await asyncio.gather(*(harness.runs.run_code(caller, request) for _ in range(4)), return_exceptions=True)
    await assert_bound(harness, caller, billing_server)


async def test_generated_code_costs_the_allowance_at_most(
    harness: Harness, caller: Caller, billing_server: BillingServer
) -> None:
    """The model writes nonsense, at length, and is asked again."""
    calls = ModelCallService.create(harness.database, harness.catalog, complete, harness.settings)
    service = CodeWritingService(harness.database, calls, create_engine(harness.settings), harness.settings)
    request = GenerateCodeRequest.model_validate(
        {
            "tools": {},
            "description": "Add numbers.",
            "inputSchema": {"inputText": "string"},
            "outputSchema": {"outputText": "string"},
            "modelConfig": {"provider": "openai", "model": MODEL, "parameters": {}},
        }
    )
    outcomes = await asyncio.gather(*(service.write(caller, request) for _ in range(20)), return_exceptions=True)
    assert all(isinstance(outcome, ServiceError) for outcome in outcomes)
    await assert_bound(harness, caller, billing_server)

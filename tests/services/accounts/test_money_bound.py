"""Providers never bill more than a user's allowance, and the ledger records all of it.

The provider bills everything that it receives at four bytes per token, and its answers are as long as allowed.
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
"""In US dollars. The model's longest answer costs more."""


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
    """The caller has `ALLOWANCE` and no rate limit. The long lease is for two hundred concurrent requests."""
    patient = {"chat_rate_per_minute": 0, "lease_seconds": 60.0}
    harness = Harness(settings.model_copy(update=patient), catalog)
    await harness.users.change(caller, AccountChange(monthly_allowance=ALLOWANCE, spend_remaining=ALLOWANCE))
    return harness


async def assert_bound(harness: Harness, caller: Caller, server: BillingServer) -> None:
    """Checks that the bill exceeds the allowance by at most 2 %, and that the ledger matches it to the millionth."""
    while (account := await harness.account(caller.uid)).held:  # noqa: ASYNC110 - abandoned calls continue
        await asyncio.sleep(0.05)
    micros = server.bill * MICROS_PER_DOLLAR
    assert micros <= Decimal("1.02") * account.allowance
    assert abs(micros - (sum(await harness.get_charges(caller.uid)) + account.owed)) <= 1
    assert server.requests > 0


async def try_chat(harness: Harness, caller: Caller, request: ChatRequest) -> None:
    """Submits a chat and, if it is accepted, delivers it until it is finished."""
    try:
        accepted = await harness.chat.submit(caller, request)
    except AllowanceSpent:
        return
    while not (await harness.tickets.look_up(caller, accepted.ticket_id)).status.finished:
        try:
            await harness.deliver(accepted.ticket_id)
        except TooEarly:
            continue


def create_request(prompt: str, parameters: dict[str, Any], **fields: Any) -> ChatRequest:
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
        create_request("hello", {}),
        create_request("hello", {"max_tokens": 3000}),
        create_request("hello" * 5_000, TINY),
        create_request("hello", LONG_SCHEMA),
        create_request("no usage", {"max_tokens": 500}),
        create_request("\x01é漢😀" * 500, {"max_tokens": 100}),
        create_request("broken off", {"max_tokens": 300}),
        create_request("half a stream", {"max_tokens": 300}, stream=True),
        create_request("broken off", {"max_tokens": 300}, stream=True),
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
async def test_two_hundred_concurrent_chats_cost_at_most_the_allowance(
    harness: Harness, caller: Caller, billing_server: BillingServer, request_: ChatRequest
) -> None:
    """The limit holds whether the answer, the prompt, a schema or a broken connection makes a chat expensive."""
    await asyncio.gather(*(try_chat(harness, caller, request_) for _ in range(200)))
    await assert_bound(harness, caller, billing_server)


async def test_built_in_tools_cost_at_most_the_allowance(
    harness: Harness, caller: Caller, billing_server: BillingServer
) -> None:
    """The limit holds even if each permitted search costs a fee and is billed for all input tokens."""
    await harness.users.change(caller, AccountChange(monthly_allowance=2, spend_remaining=2))
    request = create_request("hello", {"max_tokens": 100}, built_in_tools=["web_search"])
    await asyncio.gather(*(try_chat(harness, caller, request) for _ in range(200)))
    await assert_bound(harness, caller, billing_server)


CONCURRENT_CALLS = """
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
async def test_runs_cost_at_most_the_setting_and_the_allowance(
    harness: Harness, caller: Caller, billing_server: BillingServer, parameters: dict[str, Any]
) -> None:
    """The limit holds for five concurrent runs that make forty concurrent calls each."""
    request = RunCodeRequest(code=CONCURRENT_CALLS, input_dict={"parameters": parameters})
    await asyncio.gather(*(harness.runs.run_code(caller, request) for _ in range(5)), return_exceptions=True)
    await assert_bound(harness, caller, billing_server)


async def test_one_run_costs_at_most_the_setting(
    settings: Settings, catalog: Catalog, caller: Caller, billing_server: BillingServer
) -> None:
    """`RUN_MAX_COST` limits what a run spends, even if the user's allowance is larger."""
    harness = Harness(settings.model_copy(update={"run_max_cost": 0.05}), catalog)
    request = RunCodeRequest(code=CONCURRENT_CALLS, input_dict={"parameters": {"max_tokens": 2_000}})
    await harness.runs.run_code(caller, request)
    assert 0 < billing_server.bill <= Decimal("0.05")
    await assert_bound(harness, caller, billing_server)


async def test_calls_of_runs_that_timed_out_are_charged(
    harness: Harness, caller: Caller, billing_server: BillingServer
) -> None:
    """Calls are charged even if their runs time out, because the provider has begun to answer and bills them."""
    parameters: dict[str, Any] = {"max_tokens": 50}
    code = CONCURRENT_CALLS.replace('"hello"', '"slow"')
    request = RunCodeRequest(code=code, input_dict={"parameters": parameters, "timeout": 3})
    await asyncio.gather(*(harness.runs.run_code(caller, request) for _ in range(3)), return_exceptions=True)
    assert (await harness.account(caller.uid)).held
    billing_server.slow_may_end.set()
    await assert_bound(harness, caller, billing_server)


async def test_calls_whose_process_has_ended_are_charged_their_holds(
    harness: Harness, caller: Caller, billing_server: BillingServer
) -> None:
    """An instance may end after its response. Its calls are still billed, so the sweep charges their holds."""
    code = CONCURRENT_CALLS.replace('"hello"', '"slow"').replace("range(40)", "range(4)")
    request = RunCodeRequest(code=code, input_dict={"parameters": {"max_tokens": 1_000}, "timeout": 3})
    holds = harness.database._client.collection("holds")  # pyright: ignore[reportPrivateUsage]
    for _ in range(8):  # each run would spend a sixth of the allowance
        await asyncio.gather(harness.runs.run_code(caller, request), return_exceptions=True)
        for document in await holds.get():
            await document.reference.update({"expires_at": datetime.now(UTC) - timedelta(seconds=1)})
        await SweepService(harness.database, harness.queue, harness.settings).sweep()
    account = await harness.account(caller.uid)
    assert account.held == 0
    assert (
        0 < billing_server.bill * MICROS_PER_DOLLAR <= sum(await harness.get_charges(caller.uid)) <= account.allowance
    )
    charged = await harness.get_charges(caller.uid)
    billing_server.slow_may_end.set()
    while model_calls._under_way:  # noqa: ASYNC110  # pyright: ignore[reportPrivateUsage]
        await asyncio.sleep(0.05)
    assert await harness.get_charges(caller.uid) == charged


async def test_chained_agents_cost_at_most_the_allowance(
    harness: Harness, caller: Caller, billing_server: BillingServer
) -> None:
    """The limit holds for concurrent runs of code that calls another agent, which calls a model."""
    agents = AgentService(harness.database)
    inner = await agents.create(
        caller,
        CreateAgentRequest(name="inner", description="Asks.", code=CONCURRENT_CALLS.replace("range(40)", "range(4)")),
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


async def test_generated_code_costs_at_most_the_allowance(
    harness: Harness, caller: Caller, billing_server: BillingServer
) -> None:
    """The limit holds even if the model writes long, invalid code and has to correct it."""
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

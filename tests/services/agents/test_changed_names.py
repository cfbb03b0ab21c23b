"""The names of published agents may change hands between the acceptance of a request and the run of the agent."""

import pytest

from shared.models.agent import UpdateAgentRequest
from shared.models.agent_run import StartRunRequest
from shared.models.caller import Caller
from shared.models.chat import TicketStatus
from shared.models.deployment import DeployRequest
from shared.models.errors import NotFound
from shared.services.agents.agents import AgentService
from shared.services.agents.deployments import DeploymentService
from tests.services import publishing
from tests.services.agents.test_policies import (
    ADA,
    BOB,
    COST,
    HI,
    OWNER,
    chat_with_agent,
    get_ticket,
    publish,
    spent_today,
    submission,
)
from tests.services.harness import Harness, create_model
from tests.services.publishing import ECHO, MODEL_CALLER

SECRET = ECHO.replace("input_dict['inputText']", "'secret'")


async def rename(harness: Harness, owner: Caller, agent_id: str, name: str) -> None:
    request = UpdateAgentRequest.model_validate({"friendlyName": name})
    await AgentService(harness.database).update(owner, agent_id, request)


async def test_a_run_counts_against_the_budget_of_the_agent_that_was_called(harness: Harness) -> None:
    """A name that an agent has, but is not published under, is another agent's, whose budget is not touched."""
    agent = await publish(harness, MODEL_CALLER)
    other = await publishing.publish(harness.database, BOB, "bobs", MODEL_CALLER)
    await rename(harness, OWNER, agent.id, "bobs")
    started, _ = await submission(harness).start_public("greeter", HI, "a", None)
    await harness.deliver(started.run_id, create_model(COST))
    assert (await spent_today(harness, agent), await spent_today(harness, other)) == (COST, 0)
    assert await harness.get_charges("owner") == [COST]
    assert (await get_ticket(harness, started.run_id)).model == "greeter"


@pytest.mark.parametrize("change", ["rename", "undeploy", "move", "pass on"])
async def test_an_accepted_run_stays_within_its_budget(harness: Harness, change: str) -> None:
    """A run that the owner pays spends no more than its agent's budget for the day, even if the agent has another name
    by the time it runs, is not published any more, or its name is another agent's."""
    agent = await publish(harness, MODEL_CALLER, budgetPerDay=0)
    started, _ = await submission(harness).start_public("greeter", HI, "a", None)
    deployments = DeploymentService(harness.database, harness.settings)
    match change:
        case "rename":
            await rename(harness, OWNER, agent.id, "welcomer")
        case "move":
            await rename(harness, OWNER, agent.id, "welcomer")
            await deployments.deploy(OWNER, agent.id)
        case _:
            await deployments.undeploy(OWNER, agent.id)
    if change == "pass on":
        await publishing.publish(harness.database, BOB, "greeter", MODEL_CALLER)
    await harness.deliver(started.run_id, create_model(COST))
    ticket = await get_ticket(harness, started.run_id)
    assert (ticket.status, await harness.get_charges("owner")) == (TicketStatus.FAILED, [])
    assert "its budget for a day" in (ticket.error or "")


async def test_a_changed_budget_counts_for_accepted_runs(harness: Harness) -> None:
    """An owner who sets the budget to zero stops the runs that have been accepted before, too."""
    agent = await publish(harness, MODEL_CALLER)
    started, _ = await submission(harness).start_public("greeter", HI, "a", None)
    await DeploymentService(harness.database, harness.settings).deploy(OWNER, agent.id, DeployRequest(budget_per_day=0))
    await harness.deliver(started.run_id, create_model(COST))
    assert await harness.get_charges("owner") == []


@pytest.mark.parametrize("access", ["public", "signed-in", "key"])
async def test_a_chat_runs_no_other_agent(harness: Harness, access: str) -> None:
    """If the name that a chat was accepted for belongs to another agent when it is answered, the chat fails as for a
    name that is not published: its caller may not be allowed to call that agent."""
    agent = await publish(harness, visibility="shared")
    accepted = await harness.chat.submit(ADA, chat_with_agent())
    deployments = DeploymentService(harness.database, harness.settings)
    await deployments.undeploy(OWNER, agent.id)
    other = await publishing.save(harness.database, BOB, SECRET, friendlyName="greeter")
    await deployments.deploy(BOB, other.id, DeployRequest.model_validate({"access": access}))
    await harness.deliver(accepted.ticket_id)
    ticket = await get_ticket(harness, accepted.ticket_id)
    assert (ticket.status, ticket.result) == (TicketStatus.FAILED, None)
    assert ticket.error == "No agent that you can see is published as 'greeter'."


async def test_a_chat_runs_an_agent_that_was_published_again(harness: Harness) -> None:
    """A chat is answered by the agent that it was accepted for, even if that was published again in the meantime."""
    agent = await publish(harness, visibility="shared")
    accepted = await harness.chat.submit(ADA, chat_with_agent())
    deployments = DeploymentService(harness.database, harness.settings)
    await deployments.undeploy(OWNER, agent.id)
    await deployments.deploy(OWNER, agent.id)
    await harness.deliver(accepted.ticket_id)
    assert (await get_ticket(harness, accepted.ticket_id)).status is TicketStatus.COMPLETED


@pytest.mark.parametrize("access", ["public", "signed-in", "key"])
async def test_a_hidden_agent_and_an_unknown_name_look_alike_to_runs(harness: Harness, access: str) -> None:
    """A user who starts a run by the name of an agent that they cannot see gets the error of an unknown name."""
    await publish(harness, access=access)
    messages: list[str] = []
    for name in ("greeter", "reteerg"):
        with pytest.raises(NotFound) as raised:
            await submission(harness).start(ADA, StartRunRequest(friendly_name=name, input=HI), None)
        messages.append(raised.value.message.replace(name, "…"))
    assert messages[0] == messages[1]

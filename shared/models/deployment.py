"""Deployments: agents that are published under a friendly name."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import AwareDatetime, Field

from shared.models.owned import Visibility
from shared.models.wire import CamelModel, JsonObject, SnakeModel, with_example
from shared.settings import MAX_DEPLOYMENT_BUDGET


class Deployment(SnakeModel):
    """A deployment as it is stored, under its friendly name.

    It contains a copy of the agent's fields that lists show, so that they need not read agents. A change to the agent
    also updates the copy. `budget_per_day`: millionths of a dollar; None means the setting's amount.
    """

    friendly_name: str
    agent_id: str
    owner: str
    visibility: Visibility
    description: str
    input_schema: JsonObject | None
    output_schema: JsonObject | None
    deployed_at: AwareDatetime
    budget_per_day: int | None = None


class DeployRequest(CamelModel):
    """The optional request body of `POST /agents/{id}/deploy`.

    `budgetPerDay`: US dollars that all calls of the published agent together may spend per UTC day. If it is null or
    missing, the budget does not change; a new deployment starts with the service's default.
    """

    model_config = with_example(budgetPerDay=2.5)

    budget_per_day: Annotated[float | None, Field(strict=True, ge=0, le=MAX_DEPLOYMENT_BUDGET, allow_inf_nan=False)] = (
        None
    )


class Deployed(SnakeModel):
    """The response of `POST /agents/{id}/deploy`. `budgetPerDay`: US dollars."""

    model_config = with_example(message="Agent deployed", endpoint="/rest/greeter", budgetPerDay=1.0)

    message: str
    endpoint: str
    budgetPerDay: float  # noqa: N815 - the contract's spelling


class DeploymentInfo(SnakeModel):
    """The response of `GET /agents/{id}/deployment`. Some of its names are camelCase on the wire.

    `budgetPerDay`: US dollars that calls of the published agent may spend per UTC day.
    """

    model_config = with_example(
        is_deployed=True,
        friendly_name="greeter",
        agentId="5b0a7b2e-8a53-4d4e-9a55-2a0b8f7f6c11",
        endpoint="/rest/greeter",
        deployedAt="2026-11-24T06:00:00.120000Z",
        budgetPerDay=1.0,
    )

    is_deployed: Literal[True] = True
    friendly_name: str
    agentId: str  # noqa: N815 - the contract's spelling
    endpoint: str
    deployedAt: datetime  # noqa: N815 - the contract's spelling
    budgetPerDay: float  # noqa: N815 - the contract's spelling


class DeployedApi(CamelModel):
    """An entry of `GET /deployments`."""

    model_config = with_example(
        friendlyName="greeter",
        agentId="5b0a7b2e-8a53-4d4e-9a55-2a0b8f7f6c11",
        description="Greets the person named in the input.",
        inputSchema={"inputText": "string"},
        outputSchema={"outputText": "string"},
    )

    friendly_name: str
    agent_id: str
    description: str
    input_schema: JsonObject | None
    output_schema: JsonObject | None


def endpoint(friendly_name: str) -> str:
    """Returns the path at which a deployment is called."""
    return f"/rest/{friendly_name}"

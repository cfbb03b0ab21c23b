"""Deployments: agents that are published under a friendly name."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import AwareDatetime, Field

from shared.models.owned import Visibility
from shared.models.wire import CamelModel, JsonObject, SnakeModel, with_example
from shared.settings import MAX_DEPLOYMENT_BUDGET, MAX_DEPLOYMENT_RATE

Access = Literal["public", "signed-in", "key"]
"""Who may call a published agent by its name (`shared.services.agents.deployment_access`)."""
Payer = Literal["owner", "caller"]
"""Who pays for calls at `POST /rest/{friendly_name}`. All other calls are paid by their caller."""


class Deployment(SnakeModel):
    """A deployment as it is stored, under its friendly name.

    It contains a copy of the agent's fields that lists show, so that they need not read agents. A change to the agent
    also updates the copy. The policy: `access`, `payer`, `rate_per_minute` (the calls of each caller; None means the
    setting's number), and `budget_per_day` (millionths of a dollar that the owner pays; None means the setting's
    amount).
    """

    friendly_name: str
    agent_id: str
    owner: str
    visibility: Visibility
    description: str
    input_schema: JsonObject | None
    output_schema: JsonObject | None
    deployed_at: AwareDatetime
    access: Access = "public"
    payer: Payer = "owner"
    rate_per_minute: int | None = None
    budget_per_day: int | None = None


class DeployRequest(CamelModel):
    """The optional request body of `POST /agents/{id}/deploy`. What is null or missing does not change.

    `access`: who may call the agent by its name. `public` means everyone; `signed-in` means every user, with an ID
    token or an API key; `key` means users who can see the agent, with an API key, and its owner. `payer`: who pays for
    calls of `POST /rest/{friendly_name}`; `caller` requires an `access` other than `public`. `ratePerMinute`: how often
    each user, or each address without a user, may call the agent. `budgetPerDay`: US dollars that all calls for which
    the owner pays may together spend per UTC day. A new deployment is public and paid by the owner, with the service's
    default limits.
    """

    model_config = with_example(access="signed-in", payer="owner", ratePerMinute=30, budgetPerDay=2.5)

    access: Access | None = None
    payer: Payer | None = None
    rate_per_minute: Annotated[int | None, Field(strict=True, ge=1, le=MAX_DEPLOYMENT_RATE)] = None
    budget_per_day: Annotated[float | None, Field(strict=True, ge=0, le=MAX_DEPLOYMENT_BUDGET, allow_inf_nan=False)] = (
        None
    )


class Deployed(SnakeModel):
    """The response of `POST /agents/{id}/deploy`, with the policy that now applies. `budgetPerDay`: US dollars.

    `ratePerMinute`: null means the service's default. `warnings`: what the owner should know about the policy.
    """

    model_config = with_example(
        message="Agent deployed",
        endpoint="/rest/greeter",
        access="signed-in",
        payer="owner",
        ratePerMinute=None,
        budgetPerDay=1.0,
        warnings=[],
    )

    message: str
    endpoint: str
    access: Access
    payer: Payer
    ratePerMinute: int | None  # noqa: N815 - the contract's spelling
    budgetPerDay: float  # noqa: N815 - the contract's spelling
    warnings: list[str]


class DeploymentInfo(SnakeModel):
    """The response of `GET /agents/{id}/deployment`. Some of its names are camelCase on the wire.

    `ratePerMinute`: null means the service's default. `budgetPerDay`: US dollars that calls of the published agent for
    which its owner pays may spend per UTC day.
    """

    model_config = with_example(
        is_deployed=True,
        friendly_name="greeter",
        agentId="5b0a7b2e-8a53-4d4e-9a55-2a0b8f7f6c11",
        endpoint="/rest/greeter",
        deployedAt="2026-11-24T06:00:00.120000Z",
        access="public",
        payer="owner",
        ratePerMinute=None,
        budgetPerDay=1.0,
    )

    is_deployed: Literal[True] = True
    friendly_name: str
    agentId: str  # noqa: N815 - the contract's spelling
    endpoint: str
    deployedAt: datetime  # noqa: N815 - the contract's spelling
    access: Access
    payer: Payer
    ratePerMinute: int | None  # noqa: N815 - the contract's spelling
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

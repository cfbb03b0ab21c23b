"""Deployments: agents that are published under a friendly name."""

from datetime import datetime
from typing import Literal

from pydantic import AwareDatetime

from shared.models.owned import Visibility
from shared.models.wire import CamelModel, JsonObject, SnakeModel, shown_as


class Deployment(SnakeModel):
    """What is stored of a deployment, under its friendly name.

    It holds a copy of what lists show of the agent, so that they need not read agents; a change of the agent changes
    the copy with it.
    """

    friendly_name: str
    agent_id: str
    owner: str
    visibility: Visibility
    description: str
    input_schema: JsonObject | None
    output_schema: JsonObject | None
    deployed_at: AwareDatetime


class Deployed(SnakeModel):
    """The answer of `POST /agents/{id}/deploy`."""

    model_config = shown_as(message="Agent deployed", endpoint="/rest/greeter")

    message: str
    endpoint: str


class DeploymentInfo(SnakeModel):
    """The answer of `GET /agents/{id}/deployment`; two of its names are camelCase on the wire."""

    model_config = shown_as(
        is_deployed=True,
        friendly_name="greeter",
        agentId="5b0a7b2e-8a53-4d4e-9a55-2a0b8f7f6c11",
        endpoint="/rest/greeter",
        deployedAt="2026-11-24T06:00:00.120000Z",
    )

    is_deployed: Literal[True] = True
    friendly_name: str
    agentId: str  # noqa: N815 - the contract's spelling
    endpoint: str
    deployedAt: datetime  # noqa: N815 - the contract's spelling


class DeployedApi(CamelModel):
    """An entry of `GET /deployments`."""

    model_config = shown_as(
        friendlyName="greeter",
        agentId="5b0a7b2e-8a53-4d4e-9a55-2a0b8f7f6c11",
        description="Greets whoever is named.",
        inputSchema={"inputText": "string"},
        outputSchema={"outputText": "string"},
    )

    friendly_name: str
    agent_id: str
    description: str
    input_schema: JsonObject | None
    output_schema: JsonObject | None


def endpoint(friendly_name: str) -> str:
    """Where a deployment is called."""
    return f"/rest/{friendly_name}"

"""Agents: owners save, read, change and delete their agents; other users can read shared agents."""

import asyncio
from dataclasses import dataclass

from shared.late_imports import import_late
from shared.models.agent import (
    Agent,
    AgentFields,
    CodeWarning,
    CreateAgentRequest,
    StoredAgent,
    UpdateAgentRequest,
    to_agent,
)
from shared.models.caller import Caller
from shared.services.owned import OwnedService
from shared.services.pagination import Page
from shared.services.quotas import QuotaService
from shared.store import Database, Transaction


@dataclass(frozen=True)
class AgentService:
    """Manages agents. Without `quotas`, a user may store any number."""

    database: Database
    quotas: QuotaService | None = None

    @property
    def _owned(self) -> OwnedService[StoredAgent]:
        return OwnedService(self.database, self.database.agents, self.quotas)

    async def create(self, caller: Caller, request: CreateAgentRequest) -> Agent:
        """Saves an agent. The result names its engine, and warns about code that will not run there.

        Raises `BadRequest` for an invalid schema, `TooLarge`.
        """
        await _check_schemas(request)
        warnings = await analyze_code(request.code)
        return to_agent(await self._owned.create(caller, AgentFields.model_validate(request.model_dump())), warnings)

    async def list(self, caller: Caller, limit: int, token: str | None = None) -> Page[Agent]:
        """The caller's own and the shared agents, or all for an administrator; the newest change first. One query.

        Large agents make a page of fewer than `limit`. Raises `BadRequest` for an invalid `token`.
        """
        return (await self._owned.page(caller, limit, token)).convert(to_agent)

    async def get(self, caller: Caller, agent_id: str) -> Agent:
        """One read. Raises `NotFound`, even for another user's agent if it is not shared."""
        return to_agent(await self._owned.get(caller, agent_id))

    async def update(self, caller: Caller, agent_id: str, request: UpdateAgentRequest) -> Agent:
        """Changes the fields that were sent, and their copies in the agent's deployment.

        Raises `NotFound`, `Forbidden`, `Conflict` for a stale `_rev`, `BadRequest`, `TooLarge`.
        """
        changes = request.changes()
        await _check_schemas(request)

        def change(agent: StoredAgent) -> StoredAgent:
            return agent.model_copy(update={"fields": agent.fields.model_copy(update=changes)})

        agent = await self._owned.change(caller, agent_id, request.rev, change, self._update_deployment)
        return to_agent(agent, await analyze_code(agent.fields.code))

    async def delete(self, caller: Caller, agent_id: str) -> None:
        """Deletes the agent and its deployment. Raises `NotFound`, `Forbidden`."""
        await self._owned.delete(caller, agent_id, self._remove_deployment)

    async def _update_deployment(self, agent: StoredAgent, transaction: Transaction) -> None:
        """Copies to the deployment the agent's fields that lists of deployments show."""
        if agent.deployed_as is None:
            return
        deployment = await self.database.deployments.get(agent.deployed_as, transaction)
        if deployment is None:
            return
        fields = agent.fields
        updated = deployment.model_copy(
            update={
                "description": fields.description,
                "input_schema": fields.input_schema,
                "output_schema": fields.output_schema,
                "visibility": fields.visibility,
            }
        )
        if updated != deployment:
            self.database.deployments.put(updated, transaction)

    async def _remove_deployment(self, agent: StoredAgent, transaction: Transaction) -> None:
        if agent.deployed_as is not None:
            deployment = await self.database.deployments.get(agent.deployed_as, transaction)
            if deployment is not None and deployment.agent_id == agent.id:
                self.database.deployments.remove(agent.deployed_as, transaction)


async def _check_schemas(request: CreateAgentRequest | UpdateAgentRequest) -> None:
    """Raises `BadRequest` for an invalid schema."""
    for name, schema in (("inputSchema", request.input_schema), ("outputSchema", request.output_schema)):
        if schema:
            validation = await import_late("shared.json_schema.validation")
            await asyncio.to_thread(validation.check_schema, schema, name)


async def analyze_code(code: str) -> list[CodeWarning]:
    """Warnings about the parts of the code that will not run."""
    analysis = await import_late("shared.sandbox.analysis.analysis")
    return [CodeWarning(line=finding.line, message=finding.message) for finding in await analysis.analyze(code)]

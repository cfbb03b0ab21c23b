"""Agents: saved, read, changed and deleted by their owners, read by those they are shared with."""

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import uuid4

from shared.json_schema.validation import check
from shared.models.agent import (
    Agent,
    AgentFields,
    CodeWarning,
    CreateAgentRequest,
    StoredAgent,
    UpdateAgentRequest,
    agent_of,
)
from shared.models.caller import Caller
from shared.models.errors import Conflict, NotFound
from shared.sandbox import analyze
from shared.services.access import is_admin, refuse_unless_owner, sees
from shared.services.pagination import moment_token, read_moment_token
from shared.services.quotas import QuotaService
from shared.store import Database, Transaction

_UNKNOWN = "There is no such agent."


@dataclass(frozen=True)
class AgentPage:
    """`next_token` leads to the next page, which may be empty; None on a page that is not full."""

    agents: list[Agent]
    next_token: str | None


@dataclass(frozen=True)
class AgentService:
    """Lives as long as a request. Without `quotas`, a user may keep any number of agents."""

    database: Database
    quotas: QuotaService | None = None

    async def create(self, caller: Caller, request: CreateAgentRequest) -> Agent:
        """Saves an agent. What its code will meet when it runs comes as warnings, and the engine that it gets.

        Raises `BadRequest` for a schema that is none, `TooLarge`.
        """
        looked = await _checked(request)
        agent_id, rev = str(uuid4()), uuid4().hex

        async def write(transaction: Transaction) -> StoredAgent:
            found = await self.database.agents.get(agent_id, transaction)
            if found is not None:  # the transaction's last run was committed without our knowing
                return found
            if self.quotas:
                await self.quotas.refuse_another(self.database.agents, caller.uid, transaction)
            now = datetime.now(UTC)
            fields = AgentFields.model_validate(request.model_dump())
            agent = StoredAgent(id=agent_id, owner=caller.uid, fields=fields, rev=rev, created_at=now, updated_at=now)
            self.database.agents.put(agent, transaction)
            return agent

        return agent_of(await self.database.transaction(write, serialize_on=f"agents:{caller.uid}"), looked)

    async def list(self, caller: Caller, limit: int, token: str | None = None) -> AgentPage:
        """The caller's own and the shared ones, an administrator's all; the newest change first. One query.

        Large agents make a page of fewer than `limit`. Raises `BadRequest` for a `token` that no page gave.
        """
        after = None if token is None else read_moment_token(token)
        async with self.database.raising_unavailable():
            agents, more = await self.database.agents.page(caller.uid, limit, after, all_owners=is_admin(caller))
        last = agents[-1] if more else None
        next_token = moment_token(last.updated_at, last.id) if last else None
        return AgentPage([agent_of(agent) for agent in agents], next_token)

    async def get(self, caller: Caller, agent_id: str) -> Agent:
        """One read. Raises `NotFound`, also for what is somebody else's and not shared."""
        async with self.database.raising_unavailable():
            agent = await self.database.agents.get(agent_id)
        return agent_of(visible(caller, agent))

    async def update(self, caller: Caller, agent_id: str, request: UpdateAgentRequest) -> Agent:
        """Changes the fields that were sent, and what a deployment shows of them.

        Raises `NotFound`, `Forbidden`, `Conflict` for a stale `_rev`, `BadRequest`, `TooLarge`.
        """
        rev = uuid4().hex
        changes = request.changes()
        await _checked_schemas(request)

        async def write(transaction: Transaction) -> StoredAgent:
            agent = visible(caller, await self.database.agents.get(agent_id, transaction))
            if agent.rev == rev:  # the transaction's last run was committed without our knowing
                return agent
            refuse_unless_owner(caller, agent, "agent")
            if request.rev is not None and request.rev != agent.rev:
                raise Conflict(
                    "The agent has changed meanwhile. Read it again, and repeat the change with its new _rev."
                )
            changed = agent.model_copy(
                update={
                    "fields": agent.fields.model_copy(update=changes),
                    "rev": rev,
                    "updated_at": datetime.now(UTC),
                }
            )
            if self.quotas:
                await self.quotas.refuse_growth(self.database.agents, agent, changed, transaction)
            self.database.agents.put(changed, transaction)
            await self._show_in_deployment(changed, transaction)
            return changed

        agent = await self.database.transaction(write, serialize_on=f"agent:{agent_id}")
        return agent_of(agent, await analyze_code(agent.fields.code))

    async def delete(self, caller: Caller, agent_id: str) -> None:
        """Deletes it, and what it is published under. Raises `NotFound`, `Forbidden`."""
        began = False

        async def write(transaction: Transaction) -> None:
            nonlocal began
            agent = await self.database.agents.get(agent_id, transaction)
            if agent is None and began:  # the transaction's last run was committed without our knowing
                return
            agent = visible(caller, agent)
            refuse_unless_owner(caller, agent, "agent")
            began = True
            if agent.deployed_as is not None:
                deployment = await self.database.deployments.get(agent.deployed_as, transaction)
                if deployment is not None and deployment.agent_id == agent.id:
                    self.database.deployments.remove(agent.deployed_as, transaction)
            self.database.agents.remove(agent, transaction)

        await self.database.transaction(write, serialize_on=f"agent:{agent_id}")

    async def _show_in_deployment(self, agent: StoredAgent, transaction: Transaction) -> None:
        """What lists show of a published agent changes with it."""
        if agent.deployed_as is None:
            return
        deployment = await self.database.deployments.get(agent.deployed_as, transaction)
        if deployment is None:
            return
        fields = agent.fields
        shown = deployment.model_copy(
            update={
                "description": fields.description,
                "input_schema": fields.input_schema,
                "output_schema": fields.output_schema,
                "visibility": fields.visibility,
            }
        )
        if shown != deployment:
            self.database.deployments.put(shown, transaction)


def visible(caller: Caller, agent: StoredAgent | None) -> StoredAgent:
    """Raises `NotFound` for what is not there, or must look so."""
    if agent is None or not sees(caller, agent):
        raise NotFound(_UNKNOWN)
    return agent


async def _checked(request: CreateAgentRequest) -> list[CodeWarning]:
    await _checked_schemas(request)
    return await analyze_code(request.code)


async def _checked_schemas(request: CreateAgentRequest | UpdateAgentRequest) -> None:
    for name, schema in (("inputSchema", request.input_schema), ("outputSchema", request.output_schema)):
        if schema:
            await asyncio.to_thread(check, schema, name)


async def analyze_code(code: str) -> list[CodeWarning]:
    """What in the code will not run."""
    return [CodeWarning(line=finding.line, message=finding.message) for finding in await analyze(code)]

"""Deployments: an agent published under its friendly name, which belongs to one agent at a time."""

from dataclasses import dataclass

from shared import clock
from shared.models.agent import StoredAgent
from shared.models.caller import Caller
from shared.models.deployment import Deployed, DeployedApi, Deployment, DeploymentInfo, DeployRequest, endpoint
from shared.models.errors import BadRequest, Conflict, NotFound
from shared.models.money import to_dollars, to_micros
from shared.services.access import is_admin, refuse_unless_owner, require_visible
from shared.services.accounts.deployment_budgets import budget_per_day
from shared.services.agents.agents import analyze_code
from shared.services.pagination import Page, read_name_token, write_name_token
from shared.settings import Settings
from shared.store import Database, Transaction

_NOT_DEPLOYED = "The agent is not deployed."


@dataclass(frozen=True)
class DeploymentService:
    """Publishes agents, and shows what is published."""

    database: Database
    settings: Settings

    async def deploy(self, caller: Caller, agent_id: str, request: DeployRequest | None = None) -> Deployed:
        """Publishes the agent under its friendly name.

        For an agent that is published already, only the budget changes, if `request` has one. After a change of its
        friendly name, the old name becomes free, and the budget stays.

        Raises `NotFound`, `Forbidden`, `BadRequest` without a friendly name, `Conflict` for another agent's name.
        """
        asked_budget = None if request is None or request.budget_per_day is None else to_micros(request.budget_per_day)

        async def claim(transaction: Transaction) -> tuple[Deployment, str]:
            agent = require_visible(caller, await self.database.agents.get(agent_id, transaction), "agent")
            refuse_unless_owner(caller, agent, "agent")
            name = agent.fields.friendly_name
            if name is None:
                raise BadRequest("The agent has no friendlyName to publish it under. Give it one, then deploy it.")
            holder = await self.database.deployments.get(name, transaction)
            if holder is not None and holder.agent_id != agent.id:
                raise Conflict(f"Another agent is published as {name!r}. Choose another friendlyName.")
            if holder is not None and agent.deployed_as == name:
                deployment = (
                    holder if asked_budget is None else holder.model_copy(update={"budget_per_day": asked_budget})
                )
                if deployment != holder:
                    self.database.deployments.put(deployment, transaction)
                return deployment, agent.fields.code
            former = await self._release(agent, name, transaction)
            kept = former.budget_per_day if former else None
            deployment = make_deployment(agent, name, kept if asked_budget is None else asked_budget)
            self.database.deployments.put(deployment, transaction)
            self.database.agents.put(agent.model_copy(update={"deployed_as": name}), transaction)
            return deployment, agent.fields.code

        deployment, code = await self.database.transaction(claim, serialize_on=f"agent:{agent_id}")
        warnings = await analyze_code(code)
        hint = f". It will not run as it is: line {warnings[0].line}: {warnings[0].message}" if warnings else ""
        return Deployed(
            message=f"Agent deployed{hint}",
            endpoint=endpoint(deployment.friendly_name),
            budgetPerDay=self._budget_in_dollars(deployment),
        )

    async def undeploy(self, caller: Caller, agent_id: str) -> None:
        """Frees the agent's name. Raises `NotFound`, also for an agent that is not deployed, and `Forbidden`."""

        async def release(transaction: Transaction) -> None:
            agent = require_visible(caller, await self.database.agents.get(agent_id, transaction), "agent")
            refuse_unless_owner(caller, agent, "agent")
            if agent.deployed_as is None:
                raise NotFound(_NOT_DEPLOYED)
            await self._release(agent, None, transaction)
            self.database.agents.put(agent.model_copy(update={"deployed_as": None}), transaction)

        await self.database.transaction(release, serialize_on=f"agent:{agent_id}")

    async def get(self, caller: Caller, agent_id: str) -> DeploymentInfo:
        """What the agent is published as. Two reads. Raises `NotFound`, also for an agent that is not deployed."""
        async with self.database.raising_unavailable():
            agent = require_visible(caller, await self.database.agents.get(agent_id), "agent")
            found = await self.database.deployments.get(agent.deployed_as) if agent.deployed_as else None
        if found is None:
            raise NotFound(_NOT_DEPLOYED)
        return DeploymentInfo(
            friendly_name=found.friendly_name,
            agentId=found.agent_id,
            endpoint=endpoint(found.friendly_name),
            deployedAt=found.deployed_at,
            budgetPerDay=self._budget_in_dollars(found),
        )

    async def list(self, caller: Caller, limit: int, token: str | None = None) -> Page[DeployedApi]:
        """The caller's own and shared deployments, or all for an administrator; by name. One query; reads no agent.

        Raises `BadRequest` for an invalid `token`.
        """
        after = None if token is None else read_name_token(token)
        async with self.database.raising_unavailable():
            found, more = await self.database.deployments.page(caller.uid, limit, after, all_owners=is_admin(caller))
        apis = [
            DeployedApi(
                friendly_name=deployment.friendly_name,
                agent_id=deployment.agent_id,
                description=deployment.description,
                input_schema=deployment.input_schema,
                output_schema=deployment.output_schema,
            )
            for deployment in found
        ]
        return Page(apis, write_name_token(apis[-1].friendly_name) if more else None)

    def _budget_in_dollars(self, deployment: Deployment) -> float:
        return to_dollars(budget_per_day(deployment.budget_per_day, self.settings))

    async def _release(self, agent: StoredAgent, unless: str | None, transaction: Transaction) -> Deployment | None:
        """Frees the name that the agent is published under, unless it is `unless`; returns the old deployment."""
        name = agent.deployed_as
        if name is None or name == unless:
            return None
        held = await self.database.deployments.get(name, transaction)
        if held is None or held.agent_id != agent.id:
            return None
        self.database.deployments.remove(name, transaction)
        return held


def make_deployment(agent: StoredAgent, name: str, budget: int | None = None) -> Deployment:
    """The deployment of an agent published under `name` now. `budget`: as in `Deployment.budget_per_day`."""
    return Deployment(
        friendly_name=name,
        agent_id=agent.id,
        owner=agent.owner,
        visibility=agent.fields.visibility,
        description=agent.fields.description,
        input_schema=agent.fields.input_schema,
        output_schema=agent.fields.output_schema,
        deployed_at=clock.now(),
        budget_per_day=budget,
    )

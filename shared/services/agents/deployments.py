"""Deployments: agents published under their friendly names. A name belongs to one agent at a time."""

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
    """Publishes agents, and shows the published agents."""

    database: Database
    settings: Settings

    async def deploy(self, caller: Caller, agent_id: str, request: DeployRequest | None = None) -> Deployed:
        """Publishes the agent under its friendly name.

        If the agent is already published, only its budget changes, if `request` has one. If its friendly name has
        changed, the old name becomes free, and the budget stays the same.

        Raises `NotFound`, `Forbidden`, `BadRequest` without a friendly name, `Conflict` for another agent's name.
        """
        new_budget = None if request is None or request.budget_per_day is None else to_micros(request.budget_per_day)

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
                deployment = holder if new_budget is None else holder.model_copy(update={"budget_per_day": new_budget})
                if deployment != holder:
                    self.database.deployments.put(deployment, transaction)
                return deployment, agent.fields.code
            former = await self._release(agent, name, transaction)
            old_budget = former.budget_per_day if former else None
            deployment = make_deployment(agent, name, old_budget if new_budget is None else new_budget)
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
        """Frees the agent's name. Raises `NotFound`, even for an agent that is not deployed, and `Forbidden`."""

        async def release(transaction: Transaction) -> None:
            agent = require_visible(caller, await self.database.agents.get(agent_id, transaction), "agent")
            refuse_unless_owner(caller, agent, "agent")
            if agent.deployed_as is None:
                raise NotFound(_NOT_DEPLOYED)
            await self._release(agent, None, transaction)
            self.database.agents.put(agent.model_copy(update={"deployed_as": None}), transaction)

        await self.database.transaction(release, serialize_on=f"agent:{agent_id}")

    async def get(self, caller: Caller, agent_id: str) -> DeploymentInfo:
        """The agent's deployment. Two reads. Raises `NotFound`, even for an agent that is not deployed."""
        async with self.database.raising_unavailable():
            agent = require_visible(caller, await self.database.agents.get(agent_id), "agent")
            deployment = await self.database.deployments.get(agent.deployed_as) if agent.deployed_as else None
        if deployment is None:
            raise NotFound(_NOT_DEPLOYED)
        return DeploymentInfo(
            friendly_name=deployment.friendly_name,
            agentId=deployment.agent_id,
            endpoint=endpoint(deployment.friendly_name),
            deployedAt=deployment.deployed_at,
            budgetPerDay=self._budget_in_dollars(deployment),
        )

    async def list(self, caller: Caller, limit: int, token: str | None = None) -> Page[DeployedApi]:
        """The caller's own and the shared deployments, or all for an administrator, sorted by name.

        One query; no agent is read. Raises `BadRequest` for an invalid `token`.
        """
        after = None if token is None else read_name_token(token)
        async with self.database.raising_unavailable():
            page, more = await self.database.deployments.page(caller.uid, limit, after, all_owners=is_admin(caller))
        apis = [
            DeployedApi(
                friendly_name=deployment.friendly_name,
                agent_id=deployment.agent_id,
                description=deployment.description,
                input_schema=deployment.input_schema,
                output_schema=deployment.output_schema,
            )
            for deployment in page
        ]
        return Page(apis, write_name_token(apis[-1].friendly_name) if more else None)

    def _budget_in_dollars(self, deployment: Deployment) -> float:
        return to_dollars(budget_per_day(deployment.budget_per_day, self.settings))

    async def _release(
        self, agent: StoredAgent, except_name: str | None, transaction: Transaction
    ) -> Deployment | None:
        """Frees the name that the agent is published under, unless it is `except_name`. Returns the old deployment."""
        name = agent.deployed_as
        if name is None or name == except_name:
            return None
        deployment = await self.database.deployments.get(name, transaction)
        if deployment is None or deployment.agent_id != agent.id:
            return None
        self.database.deployments.remove(name, transaction)
        return deployment


def make_deployment(agent: StoredAgent, name: str, budget: int | None = None) -> Deployment:
    """Creates the deployment of an agent under `name`, as of now. `budget`: as in `Deployment.budget_per_day`."""
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

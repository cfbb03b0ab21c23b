"""Deployments: agents published under their friendly names. A name belongs to one agent at a time."""

from dataclasses import dataclass
from typing import Any

from shared import clock
from shared.models.agent import StoredAgent
from shared.models.caller import Caller
from shared.models.deployment import Deployed, DeployedApi, Deployment, DeploymentInfo, DeployRequest, endpoint
from shared.models.errors import BadRequest, Conflict, NotFound
from shared.models.money import to_dollars, to_micros
from shared.services.access import is_admin, refuse_unless_owner, require_visible
from shared.services.accounts.deployment_budgets import budget_per_day
from shared.services.agents.agents import analyze_code
from shared.services.agents.deployment_access import may_call
from shared.services.pagination import Page, read_name_token, write_name_token
from shared.settings import Settings
from shared.store import Database, Transaction

_NOT_DEPLOYED = "The agent is not deployed."
MAX_CALLABLE_BYTES = 1_000_000
"""The size that ends a page of `list_callable`."""
_POLICY = {"access", "payer", "rate_per_minute", "budget_per_day"}


@dataclass(frozen=True)
class DeploymentService:
    """Publishes agents, and shows the published agents."""

    database: Database
    settings: Settings

    async def deploy(self, caller: Caller, agent_id: str, request: DeployRequest | None = None) -> Deployed:
        """Publishes the agent under its friendly name.

        If the agent is already published, only the parts of its policy change that `request` has. If its friendly name
        has changed, the old name becomes free, and the rest of the policy stays the same.

        Raises `NotFound`, `Forbidden`, `Conflict` for another agent's name, and `BadRequest` without a friendly name
        and for a public agent whose callers would have to pay.
        """
        changes = _read_changes(request or DeployRequest())

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
                deployment = holder.model_copy(update=changes)
                _refuse_anonymous_payers(deployment)
                if deployment != holder:
                    self.database.deployments.put(deployment, transaction)
                return deployment, agent.fields.code
            former = await self._release(agent, name, transaction)
            deployment = make_deployment(agent, name, former).model_copy(update=changes)
            _refuse_anonymous_payers(deployment)
            self.database.deployments.put(deployment, transaction)
            self.database.agents.put(agent.model_copy(update={"deployed_as": name}), transaction)
            return deployment, agent.fields.code

        deployment, code = await self.database.transaction(claim, serialize_on=f"agent:{agent_id}")
        warnings = await analyze_code(code)
        hint = f". It will not run as it is: line {warnings[0].line}: {warnings[0].message}" if warnings else ""
        budget = self._budget_in_dollars(deployment)
        return Deployed(
            message=f"Agent deployed{hint}",
            endpoint=endpoint(deployment.friendly_name),
            access=deployment.access,
            payer=deployment.payer,
            ratePerMinute=deployment.rate_per_minute,
            budgetPerDay=budget,
            warnings=_warn(deployment, budget),
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
            access=deployment.access,
            payer=deployment.payer,
            ratePerMinute=deployment.rate_per_minute,
            budgetPerDay=self._budget_in_dollars(deployment),
        )

    async def list(self, caller: Caller, limit: int, token: str | None = None) -> Page[DeployedApi]:
        """The caller's own and the shared deployments, or all for an administrator, sorted by name.

        One query; no agent is read. Raises `BadRequest` for an invalid `token`.
        """
        return (await self._page(caller, limit, token, all_owners=is_admin(caller))).convert(_to_api)

    async def list_callable(self, caller: Caller, limit: int, token: str | None = None) -> Page[DeployedApi]:
        """Like `list`, without the deployments that the caller may not call, so a page may have fewer than `limit`.

        Large descriptions and schemas end a page sooner than in `list`: other users wrote some of them, and the process
        that answers many clients at a time copies them several times.

        Administrators get only their own and the shared deployments, too: what other users keep private is not theirs
        to use.
        """
        page = await self._page(caller, limit, token, all_owners=False, max_bytes=MAX_CALLABLE_BYTES)
        return Page([_to_api(each) for each in page.items if may_call(caller, each)], page.next_token)

    async def _page(
        self, caller: Caller, limit: int, token: str | None, *, all_owners: bool, max_bytes: int | None = None
    ) -> Page[Deployment]:
        after = None if token is None else read_name_token(token)
        async with self.database.raising_unavailable():
            page, more = await self.database.deployments.page(caller.uid, limit, after, all_owners, max_bytes)
        return Page(page, write_name_token(page[-1].friendly_name) if more else None)

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


def _to_api(deployment: Deployment) -> DeployedApi:
    return DeployedApi(
        friendly_name=deployment.friendly_name,
        agent_id=deployment.agent_id,
        description=deployment.description,
        input_schema=deployment.input_schema,
        output_schema=deployment.output_schema,
    )


def make_deployment(agent: StoredAgent, name: str, former: Deployment | None = None) -> Deployment:
    """Creates the deployment of an agent under `name`, as of now. `former`: the deployment whose policy it takes over.

    Without it, the agent is public and paid by its owner, with the default limits.
    """
    policy = {} if former is None else former.model_dump(include=_POLICY)
    return Deployment(
        friendly_name=name,
        agent_id=agent.id,
        owner=agent.owner,
        visibility=agent.fields.visibility,
        description=agent.fields.description,
        input_schema=agent.fields.input_schema,
        output_schema=agent.fields.output_schema,
        deployed_at=clock.now(),
        **policy,
    )


def _read_changes(request: DeployRequest) -> dict[str, Any]:
    """Returns the parts of the policy that the request has, as they are stored."""
    changes = request.model_dump(include=_POLICY, exclude_none=True)
    if request.budget_per_day is not None:
        changes["budget_per_day"] = to_micros(request.budget_per_day)
    return changes


def _refuse_anonymous_payers(deployment: Deployment) -> None:
    if deployment.access == "public" and deployment.payer == "caller":
        raise BadRequest(
            "Callers cannot pay for a public agent, because they need not sign in. "
            'Deploy it with "access": "signed-in" or "key", or with "payer": "owner".'
        )


def _warn(deployment: Deployment, budget: float) -> list[str]:
    if deployment.access != "public":
        return []
    return [
        f"Anyone who knows this agent's name can call it without signing in, and you pay for it, up to ${budget:g} a "
        'day. To change that, deploy it with "access": "signed-in" or "key".'
    ]

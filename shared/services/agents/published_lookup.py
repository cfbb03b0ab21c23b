"""Finds the published agent that a request calls, with what is needed to decide whether it may be called."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime

from shared import clock
from shared.bounded_dict import BoundedDict
from shared.models.agent import StoredAgent
from shared.models.caller import Caller
from shared.models.deployment import Deployment
from shared.models.deployment_day import DeploymentDay, day_id
from shared.models.errors import AllowanceSpent
from shared.models.idempotency import KeyedRequest, StoredRequest
from shared.models.wire import JsonObject
from shared.per_loop import per_loop
from shared.services.accounts.deployment_budgets import DeploymentBudget, refuse_spent
from shared.services.accounts.disabled_users import DisabledUserService
from shared.services.agents.deployment_access import count_call, name_caller, require_callable, unknown_agent_error
from shared.services.idempotency import Idempotency, make_keyed_request
from shared.settings import Settings
from shared.store import Database

Identify = Callable[[], Awaitable[Caller]]
"""Returns the verified caller of a request. Raises `Unauthenticated` without a valid token."""


@dataclass(frozen=True)
class PublishedCall:
    """A request from `address`, with the documents it needs. `stored`: its earlier outcome, if it is repeated.

    `caller`: the verified caller, None for a public agent, whose callers are not verified.
    """

    agent: StoredAgent
    deployment: Deployment
    day: DeploymentDay | None
    address: str
    caller: Caller | None
    request: KeyedRequest | None
    stored: StoredRequest | None
    settings: Settings

    @property
    def payer(self) -> Caller:
        """The caller or the agent's owner. An owner who calls the agent pays with the key of the request."""
        return find_payer(self.deployment, self.caller)

    @property
    def budget(self) -> DeploymentBudget | None:
        """The budget of the day, which bounds what the owner pays for callers. None if the caller pays."""
        return None if self.deployment.payer == "caller" else DeploymentBudget.of(self.deployment, self.settings)

    def explain(self, error: AllowanceSpent) -> AllowanceSpent:
        """Returns the error as the caller gets it, who need not know what is left of the owner's allowance."""
        if self.payer is self.caller:
            return error
        return AllowanceSpent("The agent's owner has no allowance left for its calls. Inform the owner, or wait.")

    def refuse_spent(self, now: datetime) -> None:
        """Raises `DeploymentBudgetSpent` if the budget of the day counts and is spent."""
        if (budget := self.budget) is not None:
            refuse_spent(budget, self.day, now)


def find_payer(deployment: Deployment, caller: Caller | None) -> Caller:
    """Returns who pays for a call at `POST /rest/{friendly_name}`. `caller`: None if the caller was not verified."""
    if caller is not None and (deployment.payer == "caller" or caller.uid == deployment.owner):
        return caller
    return Caller(uid=deployment.owner)


@per_loop
def _agent_ids(project: str) -> BoundedDict[str, str]:
    """The ids of the agents that were last found, by friendly name."""
    del project  # the key
    return BoundedDict()


@dataclass(frozen=True)
class PublishedLookUp:
    """Finds published agents. `kind`: distinguishes requests with the same key that do different things."""

    database: Database
    settings: Settings
    kind: str = "/rest"

    async def find(
        self,
        friendly_name: str,
        input_dict: JsonObject,
        address: str,
        key: str | None,
        identify: Identify | None = None,
    ) -> tuple[PublishedCall, datetime]:
        """Returns the call and the time of its acceptance. Counts the request against the limit of its caller.

        `identify` is called unless the agent is public. Raises what it raises, `NotFound`, `Unauthenticated`,
        `Forbidden` also if the owner or the caller is disabled, `Conflict`, `TooManyRequests` and `Unavailable`.
        """
        call = await self._find(friendly_name, input_dict, address, key, identify)
        # Counted after the look-up. Otherwise each invented name would leave a document in the database.
        name, default = name_caller(call.caller, address), self.settings.rest_rate_per_minute
        await count_call(self.database, call.deployment, name, default)
        return call, clock.now()

    async def _find(
        self, friendly_name: str, input_dict: JsonObject, address: str, key: str | None, identify: Identify | None
    ) -> PublishedCall:
        """Looks up the agent, its day, and the stored request. Raises what `find` raises, except `TooManyRequests`.

        Three reads; one more with a key, and occasionally one for the standing of the owner and of the caller. They are
        sent together if this process knows which agent the name had before. If it has another one now, that is read
        instead.
        """
        agent_ids, now = _agent_ids(self.database.project), clock.now()
        guess = agent_ids.get(friendly_name)
        async with self.database.raising_unavailable():
            deployment, agent, day = await asyncio.gather(
                self.database.deployments.get(friendly_name), *self._read_agent(guess, now)
            )
            if deployment is None:
                raise unknown_agent_error(friendly_name)
            if deployment.agent_id != guess:
                agent_ids[friendly_name] = deployment.agent_id
                agent, day = await asyncio.gather(*self._read_agent(deployment.agent_id, now))
        caller = await self._admit(deployment, identify)
        request = None
        if key is not None:
            target, payer = f"{self.kind} {deployment.agent_id}", find_payer(deployment, caller)
            request = make_keyed_request(target, name_caller(caller, address), payer.uid, key, input_dict)
        async with self.database.raising_unavailable():
            stored, _ = await asyncio.gather(
                self._find_stored(request),
                DisabledUserService(self.database).refuse_disabled_owner(deployment.owner),
            )
        if agent is None:
            raise unknown_agent_error(friendly_name)
        return PublishedCall(agent, deployment, day, address, caller, request, stored, self.settings)

    async def _admit(self, deployment: Deployment, identify: Identify | None) -> Caller | None:
        """Returns the verified caller, None for a public agent. Raises an error if the caller may not call it."""
        if deployment.access == "public":
            return None
        caller = None if identify is None else await identify()
        require_callable(caller, deployment)
        if caller is not None and caller.uid != deployment.owner:
            await DisabledUserService(self.database).refuse_disabled(caller.uid)
        return caller

    def _read_agent(
        self, agent_id: str | None, now: datetime
    ) -> tuple[Awaitable[StoredAgent | None], Awaitable[DeploymentDay | None]]:
        """Returns the reads of the agent and of its day. They read nothing if the id is None."""
        return (
            self.database.agents.get(agent_id or ""),
            self.database.deployment_days.get(day_id(agent_id, now) if agent_id else ""),
        )

    async def _find_stored(self, request: KeyedRequest | None) -> StoredRequest | None:
        return None if request is None else await Idempotency(self.database).find(request, clock.now())


async def find_published(database: Database, friendly_name: str) -> StoredAgent:
    """Returns the agent that is published under the name. Two reads, and occasionally a third.

    Raises `NotFound`, and `Forbidden` if its owner is disabled.
    """
    async with database.raising_unavailable():
        deployment = await database.deployments.get(friendly_name)
        if deployment is None:
            agent = None
        else:
            agent, _ = await asyncio.gather(
                database.agents.get(deployment.agent_id),
                DisabledUserService(database).refuse_disabled_owner(deployment.owner),
            )
    if agent is None:
        raise unknown_agent_error(friendly_name)
    return agent

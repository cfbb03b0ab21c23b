"""Finds the published agent that a request calls, with what is needed to decide whether it may be called."""

import asyncio
from collections.abc import Awaitable
from dataclasses import dataclass
from datetime import datetime

from shared import clock
from shared.bounded_dict import BoundedDict
from shared.models.agent import StoredAgent
from shared.models.deployment import Deployment
from shared.models.deployment_day import DeploymentDay, day_id
from shared.models.errors import NotFound
from shared.models.idempotency import KeyedRequest, StoredRequest
from shared.models.wire import JsonObject
from shared.per_loop import per_loop
from shared.services.accounts.deployment_budgets import DeploymentBudget
from shared.services.accounts.disabled_users import DisabledUserService
from shared.services.idempotency import Idempotency, make_keyed_request
from shared.services.rate_limits import RateLimitService
from shared.settings import Settings
from shared.store import Database


@dataclass(frozen=True)
class PublishedCall:
    """A request from `address`, with the documents it needs. `stored`: its earlier outcome, if it is repeated."""

    agent: StoredAgent
    deployment: Deployment
    budget: DeploymentBudget
    day: DeploymentDay | None
    address: str
    request: KeyedRequest | None
    stored: StoredRequest | None


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
        self, friendly_name: str, input_dict: JsonObject, address: str, key: str | None
    ) -> tuple[PublishedCall, datetime]:
        """Returns the call and the time of its acceptance. Counts the request against the limit of its address.

        Raises `NotFound`, `Forbidden` if the owner is disabled, `Conflict`, `TooManyRequests` and `Unavailable`.
        """
        call = await self._find(friendly_name, input_dict, address, key)
        # Counted after the look-up. Otherwise each invented name would leave a document in the database.
        limits = RateLimitService(self.database)
        await limits.acquire(f"rest:{friendly_name}:{address}", self.settings.rest_rate_per_minute)
        return call, clock.now()

    async def _find(self, friendly_name: str, input_dict: JsonObject, address: str, key: str | None) -> PublishedCall:
        """Looks up the agent, its budget, and the stored request. Raises `NotFound`, `Forbidden`, `Conflict`.

        Three reads; one more with a key, and occasionally one for the owner's standing. They are sent together if this
        process knows which agent the name had before. If it has another one now, that is read instead.
        """
        agent_ids, now = _agent_ids(self.database.project), clock.now()
        guess = agent_ids.get(friendly_name)
        async with self.database.raising_unavailable():
            deployment, agent, day = await asyncio.gather(
                self.database.deployments.get(friendly_name), *self._read_agent(guess, now)
            )
            if deployment is None:
                raise _unknown_agent_error(friendly_name)
            if deployment.agent_id != guess:
                agent_ids[friendly_name] = deployment.agent_id
                agent, day = await asyncio.gather(*self._read_agent(deployment.agent_id, now))
            budget = DeploymentBudget.of(deployment, self.settings)
            request = None
            if key is not None:
                target = f"{self.kind} {deployment.agent_id}"
                request = make_keyed_request(target, address, deployment.owner, key, input_dict)
            stored, _ = await asyncio.gather(
                self._find_stored(request),
                DisabledUserService(self.database).refuse_disabled_owner(deployment.owner),
            )
        if agent is None:
            raise _unknown_agent_error(friendly_name)
        return PublishedCall(agent, deployment, budget, day, address, request, stored)

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
        raise _unknown_agent_error(friendly_name)
    return agent


def _unknown_agent_error(friendly_name: str) -> NotFound:
    return NotFound(f"No agent is published as {friendly_name[:100]!r}.")

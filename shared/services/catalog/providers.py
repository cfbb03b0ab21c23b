"""The provider catalog, as callers see it: only what this deployment can call, and the published agents."""

from collections.abc import Callable
from dataclasses import dataclass

from shared.json_schema.parameters import parameter_specs
from shared.llm.catalog import Catalog, CatalogError
from shared.models.caller import Caller
from shared.models.catalog import GOFANNON, ModelInfo, ProviderInfo
from shared.models.deployment import Deployment
from shared.models.errors import NotFound
from shared.services.access import can_see, is_admin
from shared.store import Database

_MOST_AGENTS = 1000
_NO_AGENTS = "There is no provider 'gofannon' yet: no agent is deployed that you may see."


@dataclass(frozen=True)
class ProviderService:
    """Lives as long as a request. Every `NotFound` names what was not found, and what is near it.

    `database` is called when published agents are asked for.
    """

    catalog: Catalog
    database: Callable[[], Database]

    async def providers(self, caller: Caller) -> dict[str, ProviderInfo]:
        """By slug. One query."""
        agents = await self._agents(caller)
        return {**self.catalog.providers(), **({GOFANNON: agents} if agents.models else {})}

    async def provider(self, caller: Caller, provider: str) -> ProviderInfo:
        """One query for the published agents, nothing for the others."""
        if provider == GOFANNON:
            agents = await self._agents(caller)
            if not agents.models:
                raise NotFound(_NO_AGENTS)
            return agents
        try:
            return self.catalog.provider(provider)
        except CatalogError as error:
            raise NotFound(str(error)) from error

    async def models(self, caller: Caller, provider: str) -> list[str]:
        """The slugs of a provider's models."""
        return list((await self.provider(caller, provider)).models)

    async def model(self, caller: Caller, provider: str, model: str) -> ModelInfo:
        """One read for a published agent, nothing for the others."""
        if provider == GOFANNON:
            database = self.database()
            async with database.raising_unavailable():
                deployment = await database.deployments.get(model)
            if deployment is None or not can_see(caller, deployment):
                raise NotFound(f"No agent is published as {model[:100]!r}. GET /providers/gofannon lists them.")
            return _model(deployment)
        try:
            return self.catalog.model(provider, model)
        except CatalogError as error:
            raise NotFound(str(error)) from error

    async def _agents(self, caller: Caller) -> ProviderInfo:
        """The caller's own and the shared ones, an administrator's all; by name, as many as a page holds."""
        database = self.database()
        async with database.raising_unavailable():
            found, _ = await database.deployments.page(caller.uid, _MOST_AGENTS, all_owners=is_admin(caller))
        return ProviderInfo(
            name="Gofannon",
            description="Agents that are deployed here. A chat with one costs what the models cost that it calls.",
            models={deployment.friendly_name: _model(deployment) for deployment in found},
        )


def _model(deployment: Deployment) -> ModelInfo:
    return ModelInfo(description=deployment.description, parameters=parameter_specs(deployment.input_schema))

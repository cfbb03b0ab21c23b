"""The provider catalog, as callers see it: the models that this deployment can call, and published agents."""

from collections.abc import Callable
from dataclasses import dataclass

from shared.json_schema.parameters import to_parameter_specs
from shared.llm.catalog import Catalog, CatalogError
from shared.models.caller import Caller
from shared.models.catalog import GOFANNON, ModelInfo, ProviderInfo
from shared.models.deployment import Deployment
from shared.models.errors import NotFound
from shared.services.access import can_see, is_admin
from shared.store import Database

_MAX_AGENTS = 1000
_NO_AGENTS = "There is no provider 'gofannon' yet, because no agent that you may see is deployed."


@dataclass(frozen=True)
class ProviderService:
    """Shows providers and models. Every `NotFound` contains the name that was not found, and similar names.

    `database` creates the database. It is called only if published agents are needed.
    """

    catalog: Catalog
    database: Callable[[], Database]

    async def list_providers(self, caller: Caller) -> dict[str, ProviderInfo]:
        """Returns all providers, by slug. One query."""
        agents = await self._get_agents(caller)
        return {**self.catalog.list_providers(), **({GOFANNON: agents} if agents.models else {})}

    async def get_provider(self, caller: Caller, provider: str) -> ProviderInfo:
        """Returns one provider. One query for published agents, otherwise no reads. Raises `NotFound`."""
        if provider == GOFANNON:
            agents = await self._get_agents(caller)
            if not agents.models:
                raise NotFound(_NO_AGENTS)
            return agents
        try:
            return self.catalog.get_provider(provider)
        except CatalogError as error:
            raise NotFound(str(error)) from error

    async def list_models(self, caller: Caller, provider: str) -> list[str]:
        """Returns the slugs of a provider's models. Reads and raises as `get_provider` does."""
        return list((await self.get_provider(caller, provider)).models)

    async def get_model(self, caller: Caller, provider: str, model: str) -> ModelInfo:
        """Returns one model. One read for a published agent, otherwise no reads. Raises `NotFound`."""
        if provider == GOFANNON:
            database = self.database()
            async with database.raising_unavailable():
                deployment = await database.deployments.get(model)
            if deployment is None or not can_see(caller, deployment):
                raise NotFound(
                    f"No agent that you can see is published as {model[:100]!r}. GET /providers/gofannon lists them."
                )
            return _to_model(deployment)
        try:
            return self.catalog.get_model(provider, model)
        except CatalogError as error:
            raise NotFound(str(error)) from error

    async def _get_agents(self, caller: Caller) -> ProviderInfo:
        """Returns the first page, by name, of the published agents that the caller may see."""
        database = self.database()
        async with database.raising_unavailable():
            deployments, _ = await database.deployments.page(caller.uid, _MAX_AGENTS, all_owners=is_admin(caller))
        return ProviderInfo(
            name="Gofannon",
            description="Agents that are deployed here. A chat with an agent costs what its calls of models cost.",
            models={deployment.friendly_name: _to_model(deployment) for deployment in deployments},
        )


def _to_model(deployment: Deployment) -> ModelInfo:
    return ModelInfo(description=deployment.description, parameters=to_parameter_specs(deployment.input_schema))

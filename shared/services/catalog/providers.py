"""The provider catalog, as callers see it: what this deployment can call, and published agents as a provider."""

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
_NO_AGENTS = "There is no provider 'gofannon' yet: no agent is deployed that you may see."


@dataclass(frozen=True)
class ProviderService:
    """Shows providers and models. Every `NotFound` names what was not found, and similar names.

    `database`: called only when published agents are needed.
    """

    catalog: Catalog
    database: Callable[[], Database]

    async def list_providers(self, caller: Caller) -> dict[str, ProviderInfo]:
        """All providers, by slug. One query."""
        agents = await self._get_agents(caller)
        return {**self.catalog.list_providers(), **({GOFANNON: agents} if agents.models else {})}

    async def get_provider(self, caller: Caller, provider: str) -> ProviderInfo:
        """One provider. One query for published agents, else nothing is read. Raises `NotFound`."""
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
        """The slugs of a provider's models. Reads and raises as `provider` does."""
        return list((await self.get_provider(caller, provider)).models)

    async def get_model(self, caller: Caller, provider: str, model: str) -> ModelInfo:
        """One model. One read for a published agent, else nothing is read. Raises `NotFound`."""
        if provider == GOFANNON:
            database = self.database()
            async with database.raising_unavailable():
                deployment = await database.deployments.get(model)
            if deployment is None or not can_see(caller, deployment):
                raise NotFound(f"No agent is published as {model[:100]!r}. GET /providers/gofannon lists them.")
            return _to_model(deployment)
        try:
            return self.catalog.get_model(provider, model)
        except CatalogError as error:
            raise NotFound(str(error)) from error

    async def _get_agents(self, caller: Caller) -> ProviderInfo:
        """The caller's own and shared published agents, or all for an administrator; by name, one page of them."""
        database = self.database()
        async with database.raising_unavailable():
            found, _ = await database.deployments.page(caller.uid, _MAX_AGENTS, all_owners=is_admin(caller))
        return ProviderInfo(
            name="Gofannon",
            description="Agents that are deployed here. A chat with one costs what the models that it calls cost.",
            models={deployment.friendly_name: _to_model(deployment) for deployment in found},
        )


def _to_model(deployment: Deployment) -> ModelInfo:
    return ModelInfo(description=deployment.description, parameters=to_parameter_specs(deployment.input_schema))

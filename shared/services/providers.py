"""The provider catalog, as callers see it: only what this deployment can call."""

from shared.llm.catalog import Catalog, CatalogError
from shared.models.catalog import ModelInfo, ProviderInfo
from shared.models.errors import NotFound


class ProviderService:
    """Lives as long as a request. Every `NotFound` names what was not found, and what is near it."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog

    def providers(self) -> dict[str, ProviderInfo]:
        """By slug."""
        return self._catalog.providers()

    def provider(self, provider: str) -> ProviderInfo:
        try:
            return self._catalog.provider(provider)
        except CatalogError as error:
            raise NotFound(str(error)) from error

    def models(self, provider: str) -> list[str]:
        """The slugs of a provider's models."""
        return list(self.provider(provider).models)

    def model(self, provider: str, model: str) -> ModelInfo:
        try:
            return self._catalog.model(provider, model)
        except CatalogError as error:
            raise NotFound(str(error)) from error

"""The catalog of model providers: who can be called here, which models, with what parameters and tools."""

import os
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from functions_framework import aio

from shared.llm.catalog import Catalog
from shared.models.catalog import ModelInfo, ProviderInfo
from shared.services.providers import ProviderService
from shared.settings import Settings
from shared.web import CurrentCaller, StrictJsonRoute, as_response, create_app


async def _signed_in(_caller: CurrentCaller) -> None:
    """Asks for a caller, whoever it is."""


router = APIRouter(route_class=StrictJsonRoute, prefix="/providers", dependencies=[Depends(_signed_in)])


async def _provider_service() -> ProviderService:
    return ProviderService(Catalog.load(os.environ))


Providers = Annotated[ProviderService, Depends(_provider_service)]


@router.get("")
async def list_providers(service: Providers) -> dict[str, ProviderInfo]:
    """Every provider that can be called, by slug."""
    return service.providers()


@router.get("/{provider}")
async def get_provider(provider: str, service: Providers) -> ProviderInfo:
    """One provider."""
    return service.provider(provider)


@router.get("/{provider}/models")
async def list_models(provider: str, service: Providers) -> list[str]:
    """The slugs of its models."""
    return service.models(provider)


@router.get("/{provider}/models/{model:path}")
async def get_model(provider: str, model: str, service: Providers) -> ModelInfo:
    """One model. Slugs may hold slashes, as OpenRouter's do."""
    return service.model(provider, model)


app = create_app("providers", router, Settings.from_environ())


@aio.http
async def providers(_request: Request) -> Response:
    """The entry point."""
    return as_response(app)

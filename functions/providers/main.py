"""The catalog of model providers: which providers and models can be called, with which parameters and tools."""

from shared.startup import finish_startup

import os
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from functions_framework import aio

from shared.llm.catalog import Catalog
from shared.models.catalog import ModelInfo, ProviderInfo
from shared.models.errors import Forbidden, NotFound, Unauthenticated, Unavailable
from shared.services.catalog.providers import ProviderService
from shared.settings import Settings
from shared.store import Database
from shared.web import CurrentSettings, StrictJsonRoute, as_response, create_app
from shared.web.active_callers import ActiveCaller
from shared.web.error_responses import error_responses

router = APIRouter(
    route_class=StrictJsonRoute, prefix="/providers", responses=error_responses(Unauthenticated, Forbidden, Unavailable)
)


async def _provider_service(settings: CurrentSettings) -> ProviderService:
    return ProviderService(Catalog.load(os.environ), lambda: Database(settings))


Providers = Annotated[ProviderService, Depends(_provider_service)]


@router.get("")
async def list_providers(caller: ActiveCaller, service: Providers) -> dict[str, ProviderInfo]:
    """Lists every provider that can be called, by slug; the published agents are the provider `gofannon`."""
    return await service.list_providers(caller)


@router.get("/{provider}", responses=error_responses(NotFound))
async def get_provider(provider: str, caller: ActiveCaller, service: Providers) -> ProviderInfo:
    """Returns one provider."""
    return await service.get_provider(caller, provider)


@router.get(
    "/{provider}/models",
    responses={200: {"content": {"application/json": {"example": ["smollm2-135m-instruct"]}}}}
    | error_responses(NotFound),
)
async def list_models(provider: str, caller: ActiveCaller, service: Providers) -> list[str]:
    """Lists the slugs of a provider's models."""
    return await service.list_models(caller, provider)


@router.get("/{provider}/models/{model:path}", responses=error_responses(NotFound))
async def get_model(provider: str, model: str, caller: ActiveCaller, service: Providers) -> ModelInfo:
    """Returns one model. Slugs may contain slashes, like OpenRouter's."""
    return await service.get_model(caller, provider, model)


app = create_app("providers", router, Settings.from_environ())
finish_startup()


@aio.http
async def providers(_request: Request) -> Response:
    """The entry point."""
    return as_response(app)

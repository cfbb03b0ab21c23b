"""Lists models, and agents, for `/v1/models`."""

from shared.models.caller import Caller
from shared.models.errors import NotFound
from shared.models.openai_api.errors import ModelNotFound
from shared.models.openai_api.objects import OpenAiModel, OpenAiModelList
from shared.services.catalog.providers import ProviderService


async def list_models(providers: ProviderService, caller: Caller) -> OpenAiModelList:
    """Returns all models that the caller can call, and the deployed agents that the caller may see. One query."""
    found = await providers.list_providers(caller)
    models = [
        OpenAiModel(id=f"{provider}/{model}", owned_by=provider)
        for provider, info in found.items()
        for model in info.models
    ]
    return OpenAiModelList(data=models)


async def get_model(providers: ProviderService, caller: Caller, model_id: str) -> OpenAiModel:
    """Returns one model. One read for an agent. Raises `ModelNotFound`."""
    provider, _, model = model_id.partition("/")
    try:
        await providers.get_model(caller, provider, model)
    except NotFound as error:
        raise ModelNotFound(error.message) from error
    return OpenAiModel(id=model_id, owned_by=provider)

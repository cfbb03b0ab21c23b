"""Resolves the model, messages and built-in tools that agent code names in any of several forms."""

from typing import Any, cast

from pydantic import JsonValue

from shared.llm.catalog import Catalog, ModelRoute
from shared.models.chat import Message
from shared.models.errors import ServiceError
from shared.models.session import ProviderConfig
from shared.models.wire import JsonObject
from shared.sandbox import CallFailed


def choose_model(
    catalog: Catalog, models: list[ProviderConfig], provider: str | None, model: str | None
) -> ProviderConfig:
    """Returns the agent's configuration of the model, or one without parameters if the agent names no models at all.

    If `provider` is None, `model` is "provider/model", or only a model's slug. If both are None, chooses the agent's
    first model. Raises `CallFailed` for a model that the agent does not name, and `CatalogError` for an unknown
    provider.
    """
    if provider is None and model is None:
        if not models:
            raise CallFailed("Name a provider and a model, because the agent lists no models.", ValueError)
        return models[0]
    for config in models:
        if (provider, model) == (config.provider, config.model):
            return config
        if provider is None and model in (f"{config.provider}/{config.model}", config.model):
            return config
    if models:
        named = ", ".join(f"{config.provider}/{config.model}" for config in models)
        requested = "/".join(part for part in (provider, model) if part)
        raise CallFailed(f"The agent does not name the model {requested!r}, so it cannot call it. It names: {named}.")
    if provider is not None:
        return ProviderConfig(provider=provider, model=model or "")
    return _find_model(catalog, model or "")


def _find_model(catalog: Catalog, name: str) -> ProviderConfig:
    """Finds the model in the catalog. Raises `CallFailed`, and `CatalogError` for an unknown provider."""
    providers = catalog.list_providers()
    first, _, rest = name.partition("/")
    if first in providers and rest:
        return ProviderConfig(provider=first, model=rest)
    for slug, info in providers.items():
        if name in info.models:
            return ProviderConfig(provider=slug, model=name)
    if rest:
        catalog.get_provider(first)  # raises an error that lists the providers
    raise CallFailed(f"The catalog has no model {name!r}. Name it as 'provider/model'.", ValueError)


def read_messages(messages: JsonValue) -> list[Message]:
    """Reads messages as code writes them: a list or one string, with contents that are strings, or texts and images.

    Raises `CallFailed`, `ValidationError`.
    """
    items = [{"role": "user", "content": messages}] if isinstance(messages, str) else messages
    if not isinstance(items, list) or not items:
        raise CallFailed("messages must be a non-empty list of {'role': …, 'content': …}.", ValueError)
    try:
        return [Message.model_validate(_read_parts(cast("Any", message))) for message in items]
    except ServiceError as error:  # a part, or an image, that cannot be sent
        raise CallFailed(error.message, ValueError) from error


def _read_parts(message: Any) -> Any:
    """Returns the message with its parts in their usual form. Raises `CallFailed` for other parts than text and images.

    A part of text needs no type, and the URL of an image no object around it.
    """
    content: Any = message.get("content") if isinstance(message, dict) else None
    if not isinstance(content, list):
        return message
    return {**message, "content": [_read_part(part) for part in cast("list[Any]", content)]}


def _read_part(part: Any) -> JsonObject:
    image = part.get("image_url") if isinstance(part, dict) else None
    if image is not None:
        return {"type": "image_url", "image_url": {"url": image} if isinstance(image, str) else image}
    if isinstance(part, dict) and isinstance(part.get("text"), str):
        return {"type": "text", "text": part["text"]}
    raise CallFailed(
        "A message's content must be text, or parts such as {'type': 'text', 'text': …} and "
        "{'type': 'image_url', 'image_url': {'url': …}}. Sound and files are not supported.",
        ValueError,
    )


def find_built_in_tools(route: ModelRoute, tools: list[JsonValue]) -> list[str]:
    """Returns the ids of the model's built-in tools that `tools` names by id or by the provider's own configuration.

    Raises `CallFailed` for any other tool, since code cannot give its own functions to a model.
    """
    return [_find_tool_id(route, tool) for tool in tools]


def _find_tool_id(route: ModelRoute, tool: JsonValue) -> str:
    tools_by_id = {**route.parameter_tools, **route.tools}
    if isinstance(tool, str) and tool in tools_by_id:
        return tool
    if isinstance(tool, dict):
        for id_, config in tools_by_id.items():
            same_kind = tool.get("type") is not None and tool.get("type") in (config.get("type"), id_)
            if same_kind or (not tool.get("type") and set(tool) & (set(config) | {id_})):
                return id_
    names = ", ".join(tools_by_id) or "none"
    raise CallFailed(f"{route.name} has no such built-in tool. It has: {names}. Functions cannot be passed to it.")

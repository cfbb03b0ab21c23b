"""Which model agent code means, and with what: code names models in several ways."""

from typing import Any, cast

from pydantic import JsonValue

from shared.llm.catalog import Catalog, ModelRoute
from shared.models.chat import Message
from shared.models.session import ProviderConfig
from shared.sandbox import CallFailed


def chosen_model(
    catalog: Catalog, models: list[ProviderConfig], provider: str | None, model: str | None
) -> ProviderConfig:
    """The agent's configuration of the model, or one without parameters where the agent names no models at all.

    `provider` None: `model` is "provider/model", or a model's slug alone; both None: the agent's first. Raises
    `CallFailed` for a model that the agent does not name, and `CatalogError` for a provider that there is not.
    """
    if provider is None and model is None:
        if not models:
            raise CallFailed("Name a provider and a model: the agent itself names none.", ValueError)
        return models[0]
    for config in models:
        if (provider, model) == (config.provider, config.model):
            return config
        if provider is None and model in (f"{config.provider}/{config.model}", config.model):
            return config
    if models:
        named = ", ".join(f"{config.provider}/{config.model}" for config in models)
        asked = "/".join(part for part in (provider, model) if part)
        raise CallFailed(f"The agent does not name the model {asked!r}, so it cannot call it. It names: {named}.")
    if provider is not None:
        return ProviderConfig(provider=provider, model=model or "")
    return _found(catalog, model or "")


def _found(catalog: Catalog, name: str) -> ProviderConfig:
    providers = catalog.providers()
    first, _, rest = name.partition("/")
    if first in providers and rest:
        return ProviderConfig(provider=first, model=rest)
    for slug, info in providers.items():
        if name in info.models:
            return ProviderConfig(provider=slug, model=name)
    if rest:
        catalog.provider(first)  # raises, and says which there are
    raise CallFailed(f"There is no model {name!r} here. Name it as 'provider/model'.", ValueError)


def messages_of(messages: JsonValue) -> list[Message]:
    """Messages as code writes them: a list, or one text; contents as texts, or as parts of text."""
    given = [{"role": "user", "content": messages}] if isinstance(messages, str) else messages
    if not isinstance(given, list) or not given:
        raise CallFailed("messages must be a list of {'role': …, 'content': …}, and not empty.", ValueError)
    return [Message.model_validate(_plain(cast("Any", message))) for message in given]


def _plain(message: Any) -> Any:
    content: Any = message.get("content") if isinstance(message, dict) else None
    if not isinstance(content, list):
        return message
    parts = cast("list[Any]", content)
    if not all(isinstance(part, dict) and isinstance(part.get("text"), str) for part in parts):
        raise CallFailed("A message's content must be a text; images and files cannot be sent here.", ValueError)
    return {**message, "content": "".join(part["text"] for part in parts)}


def built_in_tools(route: ModelRoute, tools: list[JsonValue]) -> list[str]:
    """The ids of the model's built-in tools that are meant, by id or by the provider's own configuration.

    Raises `CallFailed` for a tool that is none of them: functions of one's own cannot be given to a model here.
    """
    return [_tool_id(route, tool) for tool in tools]


def _tool_id(route: ModelRoute, tool: JsonValue) -> str:
    known = {**route.parameter_tools, **route.tools}
    if isinstance(tool, str) and tool in known:
        return tool
    if isinstance(tool, dict):
        for id_, config in known.items():
            same_kind = tool.get("type") is not None and tool.get("type") in (config.get("type"), id_)
            if same_kind or (not tool.get("type") and set(tool) & (set(config) | {id_})):
                return id_
    there = ", ".join(known) or "none"
    raise CallFailed(f"{route.name} has no such built-in tool. It has: {there}. Own functions cannot be given to it.")

"""Describes the tools, APIs, models and other agents that an agent may use, for the model that writes the agent."""

import asyncio
import json
from collections.abc import Sequence
from typing import Any

from shared.late_imports import import_late
from shared.llm.catalog import Catalog, CatalogError
from shared.models.agent import StoredAgent, SwaggerSpec
from shared.models.errors import BadRequest
from shared.models.session import ProviderConfig
from shared.models.wire import JsonObject
from shared.outbound import errors as outbound
from shared.outbound.mcp import list_tools
from shared.services.generation.shortening import shorten
from shared.services.upstream import to_service_error
from shared.settings import Settings

_MAX_SPEC_CHARACTERS = 60_000
"""The maximum total length of the descriptions of OpenAPI documents, about 15,000 tokens."""
_MAX_TOOL_CHARACTERS = 40_000
_MAX_CONCURRENT_SERVERS = 8


async def describe_tools(tools: dict[str, list[str]], settings: Settings, seconds: float) -> str:
    """Describes the chosen tools of each MCP server, as the servers list them now. Calls several servers concurrently.

    Raises `BadRequest` for a tool that a server does not have, `UpstreamFailed` and `UpstreamTooSlow`.
    """
    semaphore = asyncio.Semaphore(_MAX_CONCURRENT_SERVERS)

    async def describe(url: str, names: list[str]) -> str:
        async with semaphore:
            return await _describe_server(url, names, settings, seconds)

    parts = await asyncio.gather(*(describe(url, names) for url, names in tools.items() if names))
    return "\n\n".join(parts)


async def _describe_server(url: str, names: list[str], settings: Settings, seconds: float) -> str:
    await import_late("shared.outbound.mcp_session")  # importing it takes most of a second
    try:
        listed = {tool.name: tool for tool in await list_tools(url, None, settings, timeout=seconds)}
    except outbound.OutboundError as error:
        raise to_service_error(error, f"The tools of {url} could not be listed: {error.message}") from error
    if missing := [name for name in names if name not in listed]:
        raise BadRequest(f"{url} has no tool {', '.join(missing)}. It has: {', '.join(listed) or 'none'}.")
    max_characters = _MAX_TOOL_CHARACTERS // max(1, len(names))
    docs = [
        f"### {name}\n{shorten(listed[name].description, max_characters // 2)}\n"
        f"Arguments, as JSON Schema: {shorten(_to_json(listed[name].input_schema), max_characters // 2)}\n"
        f"Call: `result = await mcpc[{url!r}].call(tool_name={name!r}, ...)`"
        for name in names
    ]
    return "\n\n".join([f"MCP server {url}", *docs])


def describe_specs(specs: Sequence[SwaggerSpec]) -> str:
    """Lists the operations of each OpenAPI document. Raises `BadRequest` for text that is not an OpenAPI document."""
    from shared.openapi import NotASpec, parse, write_tool_docs

    parts: list[str] = []
    for spec in specs:
        try:
            document = parse(spec.content)
        except NotASpec as error:
            raise BadRequest(f"The spec {spec.name!r} cannot be used: {error.message}") from error
        parts.append(f"Specification {spec.name}\n{write_tool_docs(document, _MAX_SPEC_CHARACTERS // len(specs))}")
    return "\n\n".join(parts)


def describe_models(models: Sequence[ProviderConfig], catalog: Catalog) -> str:
    """Lists the models that the agent may call. Raises `BadRequest` for a model that cannot be called."""
    parts: list[str] = []
    for config in models:
        try:
            info = catalog.get_model(config.provider, config.model)
        except CatalogError as error:
            raise BadRequest(str(error)) from error
        tools = f", built-in tool {config.built_in_tool!r}" if config.built_in_tool else ""
        parts.append(
            f"- provider={config.provider!r}, model={config.model!r}, parameters={_to_json(config.parameters)}{tools}"
            f" ({shorten(info.description, 300)}; reads {info.context_window or 'an unknown number of'} tokens)"
        )
    return "\n".join(parts)


def describe_agents(agents: Sequence[StoredAgent]) -> str:
    """Describes the agents that the new agent may call."""
    return "\n\n".join(
        f"### {agent.fields.name}\n{shorten(agent.fields.description, 1000)}\n"
        f"{shorten(agent.fields.docstring or '', 2000)}\n"
        f"Input: {_to_json(agent.fields.input_schema)}\nOutput: {_to_json(agent.fields.output_schema)}\n"
        f"Call: `result = await gofannon_client.call(agent_name={agent.fields.name!r}, input_dict={{...}})`"
        for agent in agents
    )


def _to_json(value: JsonObject | None) -> str:
    text: Any = json.dumps(value or {}, ensure_ascii=False)
    return text

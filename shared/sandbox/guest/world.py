"""What agent code finds: names without an import, and modules that stand in for real ones."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

from shared.sandbox.guest import httpx
from shared.sandbox.guest.error_translation import translate_all_errors, translate_errors
from shared.sandbox.guest.remote_host_functions import RemoteHostFunctions
from shared.sandbox.inside.model_functions import ModelFunctions
from shared.sandbox.inside.objects import GofannonClient
from shared.sandbox.inside.objects import RemoteMCPClient as RemoteMCPClientOf


def world(host_functions: RemoteHostFunctions) -> dict[str, Any]:
    """The names. From here on, the modules can be imported, too."""
    httpx.use(host_functions)
    models = ModelFunctions(host_functions)

    @translate_all_errors
    class RemoteMCPClient(RemoteMCPClientOf):
        def __init__(self, remote_url: Any, auth_token: Any = None) -> None:
            super().__init__(host_functions, remote_url, auth_token)

    call_llm = translate_errors(models.call_llm, "call_llm")
    litellm = _module("litellm", acompletion=translate_errors(models.acompletion, "acompletion"))
    client = _module("agent_factory.remote_mcp_client", RemoteMCPClient=RemoteMCPClient)
    _package("agent_factory", remote_mcp_client=client)
    _package(
        "services",
        llm_service=_module("services.llm_service", call_llm=call_llm),
        mcp_client_service=_module("services.mcp_client_service", RemoteMCPClient=RemoteMCPClient),
    )
    sys.modules["httpx"] = httpx
    return {
        **{name: sys.modules[name] for name in ("json", "re", "asyncio", "math", "datetime", "httpx")},
        "litellm": litellm,
        "call_llm": call_llm,
        "http_client": httpx.AsyncClient(follow_redirects=True),
        "RemoteMCPClient": RemoteMCPClient,
        "gofannon_client": translate_all_errors(GofannonClient)(host_functions),
    }


def servers(tools: dict[str, list[str]]) -> dict[str, Any]:
    """`mcpc`: a client for each of the agent's MCP servers, by its URL."""
    client = sys.modules["agent_factory.remote_mcp_client"].RemoteMCPClient
    return {url: client(url) for url in tools}


def _package(name: str, **modules: ModuleType) -> None:
    _module(name, **modules, __path__=[])


def _module(name: str, **names: Any) -> ModuleType:
    module = ModuleType(name)
    module.__dict__.update(names)
    sys.modules[name] = module
    return module

"""The environment of agent code: predefined names, and modules that replace real ones."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

from shared.sandbox.guest import httpx
from shared.sandbox.guest.error_translation import InterruptedCall, translate_all_errors, translate_errors
from shared.sandbox.guest.remote_host_functions import RemoteHostFunctions
from shared.sandbox.inside.model_functions import ModelFunctions
from shared.sandbox.inside.objects import GofannonClient
from shared.sandbox.inside.objects import RemoteMCPClient as BaseRemoteMCPClient
from shared.sandbox.inside.questions import Questions


def create_world(host_functions: RemoteHostFunctions) -> dict[str, Any]:
    """Makes the modules importable, and returns the predefined names."""
    httpx.use_host_functions(host_functions)
    models = ModelFunctions(host_functions)

    @translate_all_errors
    class RemoteMCPClient(BaseRemoteMCPClient):
        def __init__(self, remote_url: Any, auth_token: Any = None) -> None:
            super().__init__(host_functions, remote_url, auth_token)

    call_llm = translate_errors(models.call_llm, "call_llm")
    litellm = _add_module("litellm", acompletion=translate_errors(models.acompletion, "acompletion"))
    client = _add_module("agent_factory.remote_mcp_client", RemoteMCPClient=RemoteMCPClient)
    _add_package("agent_factory", remote_mcp_client=client)
    _add_package(
        "services",
        llm_service=_add_module("services.llm_service", call_llm=call_llm),
        mcp_client_service=_add_module("services.mcp_client_service", RemoteMCPClient=RemoteMCPClient),
    )
    sys.modules["httpx"] = httpx
    return {
        **{name: sys.modules[name] for name in ("json", "re", "asyncio", "math", "datetime", "httpx")},
        "litellm": litellm,
        "call_llm": call_llm,
        "ask": translate_errors(Questions(host_functions.ask).ask, "ask"),
        "InterruptedCall": InterruptedCall,
        "http_client": httpx.AsyncClient(follow_redirects=True),
        "RemoteMCPClient": RemoteMCPClient,
        "gofannon_client": translate_all_errors(GofannonClient)(host_functions),
    }


def create_mcp_clients(tools: dict[str, list[str]]) -> dict[str, Any]:
    """Returns `mcpc`, which contains a client for each of the agent's MCP servers, by URL."""
    client = sys.modules["agent_factory.remote_mcp_client"].RemoteMCPClient
    return {url: client(url) for url in tools}


def _add_package(name: str, **modules: ModuleType) -> None:
    _add_module(name, **modules, __path__=[])


def _add_module(name: str, **names: Any) -> ModuleType:
    module = ModuleType(name)
    module.__dict__.update(names)
    sys.modules[name] = module
    return module

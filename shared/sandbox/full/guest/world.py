"""What agent code finds: the names without an import, and the modules that are no real ones."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

from shared.sandbox.full.guest import httpx
from shared.sandbox.full.guest.host_abilities import HostAbilities
from shared.sandbox.full.guest.told import all_told, told
from shared.sandbox.inside.model_functions import ModelFunctions
from shared.sandbox.inside.objects import GofannonClient
from shared.sandbox.inside.objects import RemoteMCPClient as RemoteMCPClientOf


def world(abilities: HostAbilities, tools: dict[str, list[str]]) -> dict[str, Any]:
    """The names; the modules can be imported from here on."""
    httpx.use(abilities)
    models = ModelFunctions(abilities)

    @all_told
    class RemoteMCPClient(RemoteMCPClientOf):
        def __init__(self, remote_url: Any, auth_token: Any = None) -> None:
            super().__init__(abilities, remote_url, auth_token)

    acompletion = told(models.acompletion, "acompletion")
    litellm = _module("litellm", acompletion=acompletion)
    client_module = _module("agent_factory.remote_mcp_client", RemoteMCPClient=RemoteMCPClient)
    _module("agent_factory", remote_mcp_client=client_module, __path__=[])
    sys.modules["httpx"] = httpx
    gofannon_client = all_told(GofannonClient)(abilities)
    return {
        **{name: sys.modules[name] for name in ("json", "re", "asyncio", "math", "datetime", "httpx")},
        "litellm": litellm,
        "call_llm": told(models.call_llm, "call_llm"),
        "http_client": httpx.AsyncClient(follow_redirects=True),
        "RemoteMCPClient": RemoteMCPClient,
        "mcpc": {url: RemoteMCPClient(url) for url in tools},
        "gofannon_client": gofannon_client,
    }


def _module(name: str, **names: Any) -> ModuleType:
    module = ModuleType(name)
    module.__dict__.update(names)
    sys.modules[name] = module
    return module

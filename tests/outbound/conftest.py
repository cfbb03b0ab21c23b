"""Settings that let the strangers' servers be reached, and a count of the connections that are tried."""

import asyncio
from dataclasses import dataclass, field
from typing import Any

import pytest

from shared.settings import Settings
from tests.doubles.api_server import ApiServer
from tests.doubles.mcp_server import McpServer


@pytest.fixture
def settings(api_server: ApiServer, mcp_server: McpServer) -> Settings:
    """Small limits, and a way to the two servers alone."""
    return Settings(
        outbound_allowed_hosts=(api_server.host, mcp_server.host),
        outbound_timeout_seconds=10,
        outbound_max_bytes=1_000_000,
    )


@dataclass
class Connections:
    """Where connections were tried: host and port."""

    tried: list[tuple[str, int]] = field(default_factory=list[tuple[str, int]])
    failing: bool = False
    """Whether they fail, as if nobody were there, rather than being made."""


@pytest.fixture
def connections(monkeypatch: pytest.MonkeyPatch) -> Connections:
    """All connections of asyncio go through `sock_connect`, whatever library asks for them."""
    noted = Connections()
    loop_type: Any = asyncio.SelectorEventLoop
    connect = loop_type.sock_connect

    async def sock_connect(self: Any, sock: Any, address: Any) -> None:
        noted.tried.append(tuple(address[:2]))
        if noted.failing:
            raise ConnectionRefusedError
        await connect(self, sock, address)

    monkeypatch.setattr(loop_type, "sock_connect", sock_connect)
    return noted

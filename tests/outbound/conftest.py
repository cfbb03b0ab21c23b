"""Provides settings that allow calls to the test servers, and a record of the attempted connections."""

import asyncio
from dataclasses import dataclass, field
from typing import Any

import pytest

from shared.settings import Settings
from tests.doubles.api_server import ApiServer
from tests.doubles.mcp_server import McpServer


@pytest.fixture
def settings(api_server: ApiServer, mcp_server: McpServer) -> Settings:
    """Settings with small limits that allow only the two test servers."""
    return Settings(
        outbound_allowed_hosts=(api_server.host, mcp_server.host),
        outbound_timeout_seconds=10,
        outbound_max_bytes=1_000_000,
    )


@dataclass
class Connections:
    """The hosts and ports of the attempted connections."""

    tried: list[tuple[str, int]] = field(default_factory=list[tuple[str, int]])
    failing: bool = False
    """Whether all connections fail, as if no server were listening."""


@pytest.fixture
def connections(monkeypatch: pytest.MonkeyPatch) -> Connections:
    """Records all connections. Every library that uses asyncio connects through `sock_connect`."""
    record = Connections()
    loop_type: Any = asyncio.SelectorEventLoop
    connect = loop_type.sock_connect

    async def sock_connect(self: Any, sock: Any, address: Any) -> None:
        record.tried.append(tuple(address[:2]))
        if record.failing:
            raise ConnectionRefusedError
        await connect(self, sock, address)

    monkeypatch.setattr(loop_type, "sock_connect", sock_connect)
    return record

"""A proxy in front of a server, whose connections a test can break or stall."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager


class TcpProxy:
    """Forwards connections to `target`, a `host:port`, in the test's event loop."""

    def __init__(self, target: str) -> None:
        self._host, _, port = target.rpartition(":")
        self._port = int(port)
        self._writers: set[asyncio.StreamWriter] = set()
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._server: asyncio.Server | None = None
        self._own_port = 0

    @property
    def host(self) -> str:
        """The proxy's `host:port`."""
        return f"127.0.0.1:{self._own_port}"

    async def accept(self) -> None:
        """Accepts connections, always on the same port."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self._own_port)
        self._own_port = self._server.sockets[0].getsockname()[1]

    def refuse(self) -> None:
        """Breaks all connections, and refuses new ones."""
        assert self._server is not None
        self._server.close()
        self.cut()

    def cut(self) -> None:
        """Breaks all connections."""
        for writer in self._writers:
            writer.transport.abort()

    def stall(self) -> None:
        """Keeps all connections open, but forwards nothing until `flow`."""
        self._flowing.clear()

    def flow(self) -> None:
        self._flowing.set()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        try:
            server_reader, server_writer = await asyncio.open_connection(self._host, self._port)
            self._writers.add(server_writer)
            await asyncio.gather(self._forward(reader, server_writer), self._forward(server_reader, writer))
        except asyncio.CancelledError:
            self.cut()

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(65536):
                await self._flowing.wait()
                writer.write(data)
                await writer.drain()
        writer.transport.abort()


@asynccontextmanager
async def tcp_proxy(target: str) -> AsyncGenerator[TcpProxy]:
    """Runs a proxy for the block."""
    proxy = TcpProxy(target)
    await proxy.accept()
    try:
        yield proxy
    finally:
        proxy.flow()
        proxy.refuse()
        await asyncio.sleep(0)

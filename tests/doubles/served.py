"""Serves an ASGI application on a real port, in a thread of the test process."""

import socket
import threading
import time

import uvicorn
from starlette.types import ASGIApp


class ThreadedServer:
    """Serves an application between `start` and `stop`, on a port that the system chooses."""

    def __init__(self, app: ASGIApp) -> None:
        # With an explicit protocol, asyncio sends small responses immediately.
        self._socket = socket.socket(proto=socket.IPPROTO_TCP)
        self._socket.bind(("127.0.0.1", 0))
        self.address = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        # uvloop, unlike asyncio, reports a subprocess that outlives its loop, as the sandbox's processes do here.
        config = uvicorn.Config(app, loop="asyncio", log_level="critical", lifespan="off", timeout_graceful_shutdown=1)
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, kwargs={"sockets": [self._socket]}, daemon=True)

    def start(self) -> None:
        self._thread.start()
        while not self._server.started:
            time.sleep(0.01)

    def stop(self) -> None:
        self._server.should_exit = True
        self._thread.join(timeout=10)
        self._socket.close()

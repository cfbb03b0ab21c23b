"""The fork server's entry point. The service starts it by `COMMAND`, in an interpreter of its own.

`-I` keeps the environment and the current folder out. Python's own start and these imports take well below 100 ms.
"""

import gc
import os
import signal
import socket
import sys

from .component import configure, load
from .server import ForkServer
from .worker import Worker

COMMAND = (
    *("-I", "-c", "import sys; sys.path.append(sys.argv[1]); from fork_server.main import main; main(*sys.argv[2:])"),
    os.path.dirname(os.path.dirname(os.path.abspath(__file__))),
)
"""Python's arguments, before those of `main`."""


def main(site_packages: str, folder: str, control_fd: str) -> None:
    """Serves requests until the control socket is closed.

    `site_packages`: where wasmtime is. `folder`: where the built component is. `control_fd`: the control socket's
    descriptor.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal's, which the service gets, too, and lets its runs end
    sys.path.append(site_packages)
    import wasmtime  # pyright: ignore[reportMissingImports]

    engine = wasmtime.Engine(configure(wasmtime))
    worker = Worker(wasmtime, engine, load(wasmtime, engine, folder))
    worker.warm_up()
    gc.freeze()  # so that workers share it
    gc.disable()
    ForkServer(socket.socket(fileno=int(control_fd)), worker).serve()

"""The fork server's entry point. The service starts it with `COMMAND`, in a separate interpreter.

Python's option `-I` ignores the environment and the current folder. The start and these imports take less than 100 ms.
"""

import gc
import os
import signal
import socket
import sys
import threading

from .component import configure, load, read_ahead
from .server import ForkServer
from .worker import Worker

COMMAND = (
    *("-I", "-c", "import sys; sys.path.append(sys.argv[1]); from fork_server.main import main; main(*sys.argv[2:])"),
    os.path.dirname(os.path.dirname(os.path.abspath(__file__))),
)
"""The arguments of Python, which precede those of `main`."""


def main(site_packages: str, folder: str, control_fd: str) -> None:
    """Serves requests until the control socket is closed.

    `site_packages`: the folder with wasmtime. `folder`: the folder with the built component. `control_fd`: the
    descriptor of the control socket.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the service handles Ctrl-C, and lets its runs end first
    reading = threading.Thread(target=read_ahead, args=(folder,))
    reading.start()
    sys.path.append(site_packages)
    import wasmtime  # pyright: ignore[reportMissingImports]

    engine = wasmtime.Engine(configure(wasmtime))
    reading.join()
    worker = Worker(wasmtime, engine, load(wasmtime, engine, folder))
    worker.warm_up()
    gc.freeze()  # keeps the memory shared with the workers
    gc.disable()
    ForkServer(socket.socket(fileno=int(control_fd)), worker).serve()

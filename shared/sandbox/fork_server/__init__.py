"""The processes that agent code runs in: CPython in WebAssembly, with a new instance for every run.

The fork server is a separate program (`main`) with an almost empty environment. It imports wasmtime and maps the
compiled component once. Each request on the control socket then forks a worker, which shares all of this memory and
needs another 5 MB during a run. The service and these processes exchange the following messages:

- On the control socket, from the service: 17 bytes. `F` (fork; the worker's end of a socket is attached) or `K` (kill),
  the worker's number, and for `F` the maximum size of Python's memory in bytes.
- On the control socket, to the service: 17 bytes. `R` is sent once, when workers can be forked. `E` is sent when a
  worker has ended, with its number and the status that the system reports.
- On a worker's socket: frames, each with a length of four bytes and a payload. To the service, each payload begins with
  a byte for the sender: `G` for the guest, which may send anything, or `W` for the worker itself, which reports how the
  run ended: `well`, `grown` (well, but the worker cannot take another run), `seconds`, `stack`, `memory` or `trap`.
  From the service, the first frame is for the worker: JSON with `cpu_seconds`, `seed` and `clock`.
  See `RunEnvironment`. Frames for the guest follow when it requests them. Each begins with eight bytes, which contain
  the time waited in nanoseconds.

The service imports this module too. All modules of this package import only the standard library and wasmtime. They use
relative imports for each other: in the fork server's process, this package is named `fork_server`, because importing
`shared.sandbox` would load the service's libraries.
"""

import struct

CONTROL = struct.Struct("!cQQ")
EXIT_CODES = {b"seconds": 3, b"stack": 4, b"trap": 5, b"memory": 6}
"""The exit codes of workers, by how the run ended. The last frame of a worker that has unread answers is lost."""
FOLDER = "built"
"""The folder next to this package into which `tools/build_engine.py` writes its results."""
COMPILED = "python.cwasm"
COMPONENT = "python.wasm.gz"

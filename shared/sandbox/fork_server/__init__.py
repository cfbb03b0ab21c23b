"""The processes that agent code runs in: CPython in WebAssembly, with a new instance for every run.

The fork server is a separate program (`main`) with an almost empty environment. It imports wasmtime and maps the
compiled component once. Each request on the control socket then forks a worker, which shares all of this memory and
takes another 5 MB for a live run. The service and these processes exchange the following:

- Control, from the service: 17 bytes. `F` (fork; a worker's end of a socket is attached) or `K` (kill), the worker's
  number, and for `F` the maximum number of bytes of memory for Python.
- Control, to the service: 17 bytes. `R` is sent once, when workers can be forked. `E` is sent when a worker has ended,
  with its number and the status that the system reports.
- A worker's socket: frames, each with four bytes for the length and a payload. To the service, each payload begins with
  a byte for the sender: `G` for the guest, which may send anything, or `W` for the worker itself, which reports how
  the run ended: `well`, `grown` (well, but the worker takes no other run), `seconds`, `stack`, `memory` or `trap`.
  From the service, the first frame is for the worker: JSON with `cpu_seconds`, `seed` and `clock` (see `Surroundings`).
  The guest's frames follow when it requests them. Each begins with eight bytes: the time waited, in nanoseconds.

The service uses the names in this module. All modules of this package import only the standard library and wasmtime.
They import each other relatively: in the fork server's process, this package is called `fork_server`, as importing
`shared.sandbox` would load the service's libraries.
"""

import struct

CONTROL = struct.Struct("!cQQ")
EXITS = {b"seconds": 3, b"stack": 4, b"trap": 5, b"memory": 6}
"""The exit codes of workers, by how the run ended. The worker's last frame is lost if it has left answers unread."""
FOLDER = "built"
"""The folder next to this package that `tools/build_engine.py` writes."""
COMPILED = "python.cwasm"
COMPONENT = "python.wasm.gz"

"""The processes that agent code runs in: CPython in WebAssembly, a fresh instance of it for every run.

The fork server is a program of its own (`main`), with next to no environment. It imports wasmtime and maps the compiled
component once. Then each request on the control socket forks a worker, which shares all of that, and takes 5 MB of its
own for a live run. The service and these processes exchange the following:

- control, from the service: 17 bytes, `F` (fork; the worker's end of a socket comes along) or `K` (kill), the worker's
  number, and for `F` the maximum number of bytes of memory for Python.
- control, to the service: 17 bytes, `R` once when workers can be forked, and `E` when a worker has ended: its number,
  and the status that the system reports.
- a worker's socket: frames of four bytes of length and a payload. To the service, each payload begins with a byte that
  names the speaker: `G` for the guest, whose words may be anything, and `W` for the worker itself, which reports how
  the run ended: `well`, `grown` (well, but the worker takes no other run), `seconds`, `stack`, `memory` or `trap`.
  From the service: first a frame for the worker, JSON with `cpu_seconds`, `seed` and `clock` (see `Surroundings`), then
  frames for the guest as it asks for them. Each of those begins with eight bytes: the nanoseconds that were waited.

This module is what the service knows of it. All modules here import the standard library and wasmtime alone. They
import each other relatively: in its own process this package is called `fork_server`, as importing `shared.sandbox`
would load the service's libraries.
"""

import struct

CONTROL = struct.Struct("!cQQ")
EXITS = {b"seconds": 3, b"stack": 4, b"trap": 5, b"memory": 6}
"""How a run ended, as the exit code of its worker: its last word is lost if it left answers unread."""
FOLDER = "built"
"""Beside this package: what `tools/build_engine.py` makes."""
COMPILED = "python.cwasm"
COMPONENT = "python.wasm.gz"

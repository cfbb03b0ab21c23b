"""The engine's configuration, and the compiled component that it loads."""

import contextlib
import os
import resource
import sys
from typing import Any

from . import COMPILED, COMPONENT

FEATURES = {"x86_64": ("has_sse3", "has_ssse3", "has_sse41", "has_sse42", "has_popcnt")}
"""The features of the oldest supported processors, by machine type. x86-64-v2 dates from 2009."""
STACK_BYTES = 64 * 2**20
"""The size of the native stack. Python limits recursion by the stack in its own memory, which must be used up first."""
_STACK_RESERVE_BYTES = 2 * 2**20
_READ_BYTES = 2**20


def configure(wasmtime: Any) -> Any:
    """Returns the configuration with which the component is compiled and loaded, for the processors in `FEATURES`.

    Instructions are not counted, as a check in each iteration of a loop would make Python a fifth slower.
    """
    from wasmtime import _bindings as bindings  # pyright: ignore[reportMissingImports] - for options without a setter

    config = wasmtime.Config()
    stack_bytes = _raise_stack_limit()
    bindings.wasmtime_config_async_stack_size_set(config.ptr(), stack_bytes)  # the upper bound of the next setting
    config.max_wasm_stack = stack_bytes
    if (machine := os.uname().machine) and sys.platform == "linux":
        config.target = f"{machine}-unknown-linux-gnu"
        for feature in FEATURES.get(machine, ()):
            bindings.wasmtime_config_cranelift_flag_enable(config.ptr(), feature.encode())
    return config


def _raise_stack_limit() -> int:
    """Raises the stack's limit, up to which the main thread's stack may grow. Returns the bytes for WebAssembly."""
    _, hard_limit = resource.getrlimit(resource.RLIMIT_STACK)
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_STACK, (STACK_BYTES + _STACK_RESERVE_BYTES, hard_limit))
    limit, _ = resource.getrlimit(resource.RLIMIT_STACK)
    return STACK_BYTES if limit == resource.RLIM_INFINITY else min(STACK_BYTES, limit - _STACK_RESERVE_BYTES)


def read_ahead(folder: str) -> None:
    """Reads the compiled component, from which every run's memory is mapped, into the system's cache.

    If the file is read from its beginning to its end, Linux caches it in large pieces. With the single pages that it
    caches for a mapped file, mapping and unmapping the memory of a run takes twice as long.
    """
    with contextlib.suppress(OSError), open(os.path.join(folder, COMPILED), "rb", buffering=0) as file:
        if sys.platform == "linux":
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_SEQUENTIAL)
        data = bytearray(_READ_BYTES)
        while file.readinto(data):
            pass


def load(wasmtime: Any, engine: Any, folder: str) -> Any:
    """Loads the compiled component. Compiles it first if it is missing or is for another processor."""
    from wasmtime.component import Component  # pyright: ignore[reportMissingImports]

    kind: Any = Component
    try:
        return kind.deserialize_file(engine, os.path.join(folder, COMPILED))
    except wasmtime.WasmtimeError as error:
        import gzip

        sys.stderr.write(f"The compiled component cannot be used and is being recompiled: {str(error)[:300]}\n")
        sys.stderr.flush()
        with gzip.open(os.path.join(folder, COMPONENT)) as file:
            return kind(engine, file.read())

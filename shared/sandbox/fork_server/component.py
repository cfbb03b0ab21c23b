"""The engine's configuration, and the compiled component that it loads."""

import contextlib
import os
import resource
import sys
from typing import Any

from . import COMPILED, COMPONENT

FEATURES = {"x86_64": ("has_sse3", "has_ssse3", "has_sse41", "has_sse42", "has_popcnt")}
"""By machine, what its oldest supported processors have: those of x86-64-v2 are from 2009."""
STACK_BYTES = 64 * 2**20
"""Of the machine's stack. Python checks its depth by the stack in its memory: this one should not end before that."""
_STACK_RESERVE_BYTES = 2 * 2**20


def configure(wasmtime: Any) -> Any:
    """The configuration that the component is compiled and loaded with: for the processors of `FEATURES`, and newer.

    Nothing counts what the code computes: the checks at each turn of a loop would cost Python a fifth of its speed.
    """
    from wasmtime import _bindings as bindings  # pyright: ignore[reportMissingImports] - for what has no setter

    config = wasmtime.Config()
    stack_bytes = _raise_stack_limit()
    bindings.wasmtime_config_async_stack_size_set(config.ptr(), stack_bytes)  # the upper bound of the other
    config.max_wasm_stack = stack_bytes
    if (machine := os.uname().machine) and sys.platform == "linux":
        config.target = f"{machine}-unknown-linux-gnu"
        for feature in FEATURES.get(machine, ()):
            bindings.wasmtime_config_cranelift_flag_enable(config.ptr(), feature.encode())
    return config


def _raise_stack_limit() -> int:
    """How many bytes of stack WebAssembly may use. The system lets the first stack grow up to the current limit."""
    _, hard_limit = resource.getrlimit(resource.RLIMIT_STACK)
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_STACK, (STACK_BYTES + _STACK_RESERVE_BYTES, hard_limit))
    limit, _ = resource.getrlimit(resource.RLIMIT_STACK)
    return STACK_BYTES if limit == resource.RLIM_INFINITY else min(STACK_BYTES, limit - _STACK_RESERVE_BYTES)


def load(wasmtime: Any, engine: Any, folder: str) -> Any:
    """The component as it was compiled; compiled here if that is missing, or does not fit this processor."""
    from wasmtime.component import Component  # pyright: ignore[reportMissingImports]

    kind: Any = Component
    try:
        return kind.deserialize_file(engine, os.path.join(folder, COMPILED))
    except wasmtime.WasmtimeError as error:
        import gzip

        sys.stderr.write(f"The compiled component does not fit here and is compiled anew: {str(error)[:300]}\n")
        sys.stderr.flush()
        with gzip.open(os.path.join(folder, COMPONENT)) as file:
            return kind(engine, file.read())

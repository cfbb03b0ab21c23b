"""Makes the objects of a snapshot immortal (PEP 683), so that Python does not count references to them.

An object contains its reference count. Using the object therefore writes to its page, which then has to be copied for
the run. If all objects in the snapshot are immortal, a run copies half as many pages. Python has no function that makes
objects immortal, so the component is run once to list the addresses of its objects, and the counts are changed in its
stored memory. References to objects that a run creates are counted as usual.

The component has WebAssembly's binary format, wrapped in that of the component model.
"""

import bisect
import json
import struct
from dataclasses import dataclass
from typing import Any

from shared.sandbox.fork_server.worker import Worker
from tools.wasm_format import HEADER_BYTES, Section, encode_section, encode_unsigned, read_number, read_sections

_IMMORTAL = 5 << 28
"""CPython's count for immortal objects with 32-bit pointers (`_Py_IMMORTAL_INITIAL_REFCNT`)."""
_MAX_COUNTED = 1 << 20
"""The largest plausible reference count. A larger number is an address: a freed block begins with that of the next one.
"""
_COUNT = struct.Struct("<I")
_OBJECT = struct.Struct("<II")
"""The beginning of each object: the number of references to it, and the address of its type."""
_CORE_MODULE, _DATA = 1, 11
_I32_CONST, _END = 0x41, 0x0B
_NULL_SEGMENT = bytes([0, _I32_CONST, 0, _END, _COUNT.size]) + _COUNT.pack(_IMMORTAL)
"""A data segment with an immortal count at address 0."""
_MAX_RESULT_BYTES = 2**26
_WALK = """
import gc
from types import CodeType
from shared.sandbox.guest.heap import reserve

async def run(input_dict, tools):
    gc.unfreeze()
    found = {id(item): item for item in gc.get_objects()}
    waiting = list(found.values())
    while waiting:
        item = waiting.pop()
        referents = gc.get_referents(item)
        if isinstance(item, CodeType):  # not traversed by the garbage collector
            referents += [item.co_consts, item.co_names, item.co_code, item.co_linetable, item.co_exceptiontable]
            referents += [item.co_name, item.co_qualname, item.co_filename, *item.co_varnames, *item.co_freevars]
        elif isinstance(item, type):
            referents.append(type.__dict__["__dict__"].__get__(item))
        for referent in referents:
            if id(referent) not in found:
                found[id(referent)] = referent
                waiting.append(referent)
    freed = {id(item) for item in reserve}
    return [[id(item), id(type(item))] for item in found.values() if id(item) not in freed]
"""


class ProgramRunner(Worker):
    """Runs one program in this process, and collects its messages."""

    def __init__(self, wasmtime: Any, engine: Any, component: Any, program: str) -> None:
        super().__init__(wasmtime, engine, component)
        self._program = program
        self.messages: list[str] = []

    def run_program(self) -> None:
        """Runs the program until it ends."""
        store, run = self._instantiate(None)
        run(store)
        store.close()

    def _receive(self, _store: Any) -> str:
        return self._program

    def _send(self, _store: Any, message: str) -> None:
        self.messages.append(message)


def list_objects(wasmtime: Any, engine: Any, component: Any) -> list[tuple[int, int]]:
    """Returns the objects of an instance during a run, as (address, address of its type). Raises `RuntimeError`."""
    program = json.dumps(
        {
            "code": _WALK,
            "input_dict": {},
            "tools": {},
            "log_bytes": 0,
            "result_bytes": _MAX_RESULT_BYTES,
            "only_load": False,
        }
    )
    worker = ProgramRunner(wasmtime, engine, component, program)
    worker.run_program()
    kind, _, result = worker.messages[-1].partition("\n")
    if json.loads(kind)["kind"] != "done":
        raise RuntimeError(f"The component could not list its objects: {result[:1000]}")
    return json.loads(result)


def make_immortal(component: bytes, objects: list[tuple[int, int]]) -> bytes:
    """Returns the component with an immortal count in each of the `objects` in its snapshot, and at address 0.

    Address 0 is the far end of C's stack and contains no object. However, when `text += more` runs out of memory,
    CPython 3.14 treats the null pointer as an object, and detects the failure only if that object is immortal
    (`PyStackRef_FromPyObjectSteal`). With any other count, the run would crash instead of raising `MemoryError`.
    """
    changed = bytearray(component)
    memory = _Memory(changed)
    for address, type_address in objects:
        place, stored = memory.locate(address, _OBJECT.size)
        if stored < _COUNT.size:
            continue
        head = bytes(changed[place : place + stored]).ljust(_OBJECT.size, b"\0")
        references, its_type = _OBJECT.unpack(head)
        if its_type == type_address and 0 < references <= _MAX_COUNTED:  # otherwise, the run created the object
            _COUNT.pack_into(changed, place, _IMMORTAL)
    return _make_null_immortal(changed)


def _make_null_immortal(component: bytearray) -> bytes:
    """Returns the component with an additional data segment, which sets the count at address 0."""
    if not (largest := _find_largest_data(component)).segments:
        return bytes(component)
    module, data = largest.module, largest.data
    count, first = read_number(component, data.start)
    segments = encode_unsigned(count + 1) + component[first : data.end] + _NULL_SEGMENT
    content = bytes(
        component[module.start : data.begin] + encode_section(_DATA, segments) + component[data.end : module.end]
    )
    return bytes(component[: module.begin] + encode_section(_CORE_MODULE, content) + component[module.end :])


@dataclass(frozen=True)
class _Data:
    """A module's data section. Each segment is (address, offset in the component, size in bytes)."""

    module: Section
    data: Section
    segments: list[tuple[int, int, int]]


class _Memory:
    """Locates memory addresses in a component, which stores its memory as segments. Memory between them is zero."""

    def __init__(self, component: bytearray) -> None:
        self._segments = sorted(_find_largest_data(component).segments)
        self._starts = [address for address, _, _ in self._segments]

    def locate(self, address: int, max_size: int) -> tuple[int, int]:
        """Returns the offset of an address, and the number of bytes stored there: 0 to `max_size`."""
        number = bisect.bisect_right(self._starts, address) - 1
        if number < 0:
            return 0, 0
        start, place, size = self._segments[number]
        return place + address - start, max(min(start + size - address, max_size), 0)


def _find_largest_data(component: bytearray) -> _Data:
    """Returns the data section with the most segments."""
    return max(
        (
            _Data(module, data, _read_segments(component, data.start))
            for module in read_sections(component, HEADER_BYTES, len(component))
            if module.kind == _CORE_MODULE
            for data in read_sections(component, module.start + HEADER_BYTES, module.end)
            if data.kind == _DATA
        ),
        key=lambda data: len(data.segments),
    )


def _read_segments(data: bytearray, at: int) -> list[tuple[int, int, int]]:
    segments: list[tuple[int, int, int]] = []
    count, at = read_number(data, at)
    for _ in range(count):
        if data[at] != 0 or data[at + 1] != _I32_CONST:
            return []  # not a snapshot, as all segments of a snapshot have constant addresses
        address, at = read_number(data, at + 2, signed=True)
        if data[at] != _END:
            return []
        size, at = read_number(data, at + 1)
        segments.append((address % 2**32, at, size))
        at += size
    return segments

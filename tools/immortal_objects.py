"""Makes the objects of a snapshot immortal (PEP 683): Python does not count references to those.

The count is in the object itself. So using an object writes to its page, which then has to be copied for the run; with
all objects of the snapshot made immortal, a run copies half as many pages. Python has no function for this: the
component is run once to list the addresses of its objects, and the counts are changed in its stored memory. References
to objects that a run makes are counted as usual.

The format is WebAssembly's binary format, inside that of the component model.
"""

import bisect
import json
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from shared.sandbox.fork_server.worker import Worker

_IMMORTAL = 5 << 28
"""CPython's count for immortal objects with 32-bit pointers (`_Py_IMMORTAL_INITIAL_REFCNT`)."""
_MAX_COUNTED = 1 << 20
"""References that an object may have. A larger number is an address: freed memory begins with that of the next one."""
_COUNT = struct.Struct("<I")
_OBJECT = struct.Struct("<II")
"""The beginning of each object: the number of references to it, and the address of its type."""
_HEADER = 8
"""Bytes before the first section of a module and of a component."""
_CORE_MODULE, _DATA = 1, 11
_I32_CONST, _END = 0x41, 0x0B
_NOTHING = bytes([0, _I32_CONST, 0, _END, _COUNT.size]) + _COUNT.pack(_IMMORTAL)
"""A segment: an immortal count at address 0."""
_MAX_RESULT_BYTES = 2**26
_WALK = """
import gc
from types import CodeType
from shared.sandbox.guest.heap import reserve

async def run(input_dict, tools):
    gc.unfreeze()
    found = {id(one): one for one in gc.get_objects()}
    waiting = list(found.values())
    while waiting:
        one = waiting.pop()
        inside = gc.get_referents(one)
        if isinstance(one, CodeType):  # which the garbage collector does not traverse
            inside += [one.co_consts, one.co_names, one.co_code, one.co_linetable, one.co_exceptiontable]
            inside += [one.co_name, one.co_qualname, one.co_filename, *one.co_varnames, *one.co_freevars]
        elif isinstance(one, type):
            inside.append(type.__dict__["__dict__"].__get__(one))
        for other in inside:
            if id(other) not in found:
                found[id(other)] = other
                waiting.append(other)
    freed = {id(one) for one in reserve}
    return [[id(one), id(type(one))] for one in found.values() if id(one) not in freed]
"""


class Asking(Worker):
    """Runs a program in this process. `said`: its messages."""

    def __init__(self, wasmtime: Any, engine: Any, component: Any, program: str) -> None:
        super().__init__(wasmtime, engine, component)
        self._program = program
        self.said: list[str] = []

    def ask(self) -> None:
        """Runs the program."""
        store, run = self._instantiate(None)
        run(store)
        store.close()

    def _receive(self, _store: Any) -> str:
        return self._program

    def _send(self, _store: Any, message: str) -> None:
        self.said.append(message)


def objects_of(wasmtime: Any, engine: Any, component: Any) -> list[tuple[int, int]]:
    """The objects of an instance during a run: the address of each, and that of its type. Raises `RuntimeError`."""
    asked = json.dumps(
        {
            "code": _WALK,
            "input_dict": {},
            "tools": {},
            "log_bytes": 0,
            "result_bytes": _MAX_RESULT_BYTES,
            "only_load": False,
        }
    )
    worker = Asking(wasmtime, engine, component, asked)
    worker.ask()
    kind, _, result = worker.said[-1].partition("\n")
    if json.loads(kind)["kind"] != "done":
        raise RuntimeError(f"The component does not list its objects: {result[:1000]}")
    return json.loads(result)


def make_immortal(component: bytes, objects: list[tuple[int, int]]) -> bytes:
    """The component with those objects made immortal that are in its snapshot; and what is at address 0.

    There is no object at address 0: it is the far end of C's stack. But when `text += more` runs out of memory, CPython
    3.14 handles the null pointer like an object, and notices the failure only if the object is immortal
    (`PyStackRef_FromPyObjectSteal`). With any other count there, the run would crash instead of raising `MemoryError`.
    """
    changed = bytearray(component)
    memory = _Memory(changed)
    for address, type_address in objects:
        place, stored = memory.stored_at(address, _OBJECT.size)
        if stored < _COUNT.size:
            continue
        head = bytes(changed[place : place + stored]).ljust(_OBJECT.size, b"\0")
        references, its_type = _OBJECT.unpack(head)
        if its_type == type_address and 0 < references <= _MAX_COUNTED:  # or else the run made it
            _COUNT.pack_into(changed, place, _IMMORTAL)
    return _with_nothing_immortal(changed)


def _with_nothing_immortal(component: bytearray) -> bytes:
    if not (found := _largest_data(component)).segments:
        return bytes(component)
    module, data = found.module, found.data
    count, first = _read_number(component, data.start)
    segments = _encode_unsigned(count + 1) + component[first : data.end] + _NOTHING
    inside = bytes(component[module.start : data.begin] + _section(_DATA, segments) + component[data.end : module.end])
    return bytes(component[: module.begin] + _section(_CORE_MODULE, inside) + component[module.end :])


@dataclass(frozen=True)
class _Section:
    """`begin`: of its header, with kind and size; `start` and `end`: of its content."""

    kind: int
    begin: int
    start: int
    end: int


@dataclass(frozen=True)
class _Data:
    """A module's data section. `segments`: the address, the offset in the component, and the size in bytes of each."""

    module: _Section
    data: _Section
    segments: list[tuple[int, int, int]]


class _Memory:
    """Finds where a component stores its memory: in segments, between which there are zeros."""

    def __init__(self, component: bytearray) -> None:
        self._segments = sorted(_largest_data(component).segments)
        self._starts = [address for address, _, _ in self._segments]

    def stored_at(self, address: int, most: int) -> tuple[int, int]:
        """The offset of what is at an address, and how many bytes are stored there: at most `most`, perhaps none."""
        number = bisect.bisect_right(self._starts, address) - 1
        if number < 0:
            return 0, 0
        start, place, size = self._segments[number]
        return place + address - start, max(min(start + size - address, most), 0)


def _largest_data(component: bytearray) -> _Data:
    """The data section with the most segments."""
    return max(
        (
            _Data(module, data, _segments(component, data.start))
            for module in _sections(component, _HEADER, len(component))
            if module.kind == _CORE_MODULE
            for data in _sections(component, module.start + _HEADER, module.end)
            if data.kind == _DATA
        ),
        key=lambda found: len(found.segments),
    )


def _sections(data: bytearray, at: int, end: int) -> Iterator[_Section]:
    while at < end:
        size, start = _read_number(data, at + 1)
        yield _Section(data[at], at, start, start + size)
        at = start + size


def _section(kind: int, content: bytes) -> bytes:
    return bytes([kind]) + _encode_unsigned(len(content)) + content


def _segments(data: bytearray, at: int) -> list[tuple[int, int, int]]:
    found: list[tuple[int, int, int]] = []
    count, at = _read_number(data, at)
    for _ in range(count):
        if data[at] != 0 or data[at + 1] != _I32_CONST:
            return []  # not a snapshot's, whose segments all have constant addresses
        address, at = _read_number(data, at + 2, signed=True)
        if data[at] != _END:
            return []
        size, at = _read_number(data, at + 1)
        found.append((address % 2**32, at, size))
        at += size
    return found


def _read_number(data: bytearray, at: int, signed: bool = False) -> tuple[int, int]:
    """Decodes a number in LEB128. Returns it, and the offset after it."""
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return value - (1 << shift) if signed and byte & 0x40 else value, at


def _encode_unsigned(value: int) -> bytes:
    """Encodes a number in LEB128."""
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])

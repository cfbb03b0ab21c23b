"""Reads WebAssembly's core modules, and renumbers the functions, globals and types that their code refers to."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NoReturn

from tools.wasm_format import HEADER_BYTES, Reader, encode_blob, encode_unsigned, read_number, read_sections

FUNCTION, TABLE, MEMORY, GLOBAL = range(4)
"""The kinds of imports and exports."""
CUSTOM, TYPES, IMPORTS, FUNCTIONS, TABLES, MEMORIES, GLOBALS, EXPORTS, START, ELEMENTS, CODE, DATA = range(12)
"""The kinds of sections."""
I32, FUNCTION_TYPE = 0x7F, 0x60
FUNCTION_NAMES = 1
I32_CONST, GLOBAL_GET, I32_ADD, END = 0x41, 0x23, 0x6A, 0x0B
_CALL, _TAIL_CALL, _CALL_INDIRECT, _TAIL_CALL_INDIRECT, _GLOBAL_SET, _BR_TABLE, _REF_FUNC = (
    b"\x10\x12\x11\x13\x24\x0e\xd2"
)
_BLOCKS = b"\x02\x03\x04"
_LEB = rb"[\x80-\xff]*+[\x00-\x7f]"
_PLAIN = re.compile(
    rb"(?:[\x00\x01\x05\x0b\x0f\x1a\x1b\x45-\xc4\xd1]"  # without an immediate
    rb"|[\x0c\x0d\x20-\x22\x41\x42]" + _LEB + rb"|[\x28-\x3e](?:" + _LEB + rb"){2}"
    rb"|[\x02-\x04][\x40\x7c-\x7f]|[\x3f\x40]\x00|\x43.{4}|\x44.{8}"
    rb"|\xfc(?:[\x00-\x07]|\x0a\x00\x00|\x0b\x00))*+",
    re.DOTALL,
)
"""Instructions that refer to no function, global or type."""


@dataclass(frozen=True)
class Import:
    """An import. `type`: the type's number for a function, otherwise the encoded type."""

    module: str
    name: str
    kind: int
    type: int
    encoded: bytes


@dataclass(frozen=True)
class Global:
    """A global, which is a number of 32 bits. `initial`: an expression, with its end."""

    is_mutable: bool
    initial: bytes


@dataclass(frozen=True)
class Element:
    """Functions that are put into the table. `offset`: an expression, with its end."""

    offset: bytes
    functions: list[int]


@dataclass
class CoreModule:
    """A core module. Numbers count imports first, as in the format.

    `data`: the content of the data section. `names`: the functions' names, for messages.
    """

    types: list[bytes] = field(default_factory=list[bytes])
    imports: list[Import] = field(default_factory=list[Import])
    functions: list[int] = field(default_factory=list[int])
    tables: list[bytes] = field(default_factory=list[bytes])
    memories: list[bytes] = field(default_factory=list[bytes])
    globals: list[Global] = field(default_factory=list[Global])
    exports: dict[str, tuple[int, int]] = field(default_factory=dict[str, tuple[int, int]])
    elements: list[Element] = field(default_factory=list[Element])
    bodies: list[bytes] = field(default_factory=list[bytes])
    data: bytes = b""
    names: dict[int, bytes] = field(default_factory=dict[int, bytes])

    def imported(self, kind: int) -> list[Import]:
        """The imports of a kind."""
        return [item for item in self.imports if item.kind == kind]


@dataclass(frozen=True)
class Numbers:
    """The new numbers of a module's functions, globals and types, by the old ones. `assigned`: see `renumber`."""

    functions: list[int]
    globals: list[int]
    types: list[int]
    assigned: set[int]


def parse_module(data: bytes) -> CoreModule:
    """Parses a module. Raises `RuntimeError` if it uses anything that no module of CPython's component uses."""
    module = CoreModule()
    parsers: dict[int, Callable[[CoreModule, Reader], None]] = {
        TYPES: lambda module, reader: module.types.append(_read_type(reader)),
        IMPORTS: lambda module, reader: module.imports.append(_read_import(reader)),
        FUNCTIONS: lambda module, reader: module.functions.append(reader.number()),
        TABLES: lambda module, reader: module.tables.append(bytes([reader.byte()]) + _read_limits(reader)),
        MEMORIES: lambda module, reader: module.memories.append(_read_limits(reader)),
        GLOBALS: lambda module, reader: module.globals.append(_read_global(reader)),
        EXPORTS: _read_export,
        ELEMENTS: lambda module, reader: module.elements.append(_read_element(reader)),
        CODE: lambda module, reader: module.bodies.append(reader.blob()),
    }
    for section in read_sections(data, HEADER_BYTES, len(data)):
        reader = Reader(data, section.start)
        if section.kind == CUSTOM:
            if reader.blob() == b"name":
                module.names = _read_function_names(reader, section.end)
        elif section.kind == DATA:
            module.data = data[section.start : section.end]
        elif parse := parsers.get(section.kind):
            for _ in range(reader.number()):
                parse(module, reader)
        else:
            _refuse(f"section {section.kind}")
    return module


def renumber(body: bytes, numbers: Numbers) -> bytes:
    """Returns a function's code with new numbers. Adds the new numbers of the globals that it sets to `assigned`."""
    reader = Reader(body)
    for _ in range(reader.number()):
        reader.number()
        reader.byte()
    parts: list[bytes] = []
    at, begin = reader.at, 0
    while (at := _find_end(body, at)) < len(body):
        code = body[at]
        old, after = read_number(body, at + 1, signed=code in _BLOCKS)
        if code == _BR_TABLE:
            for _ in range(old + 1):
                _, after = read_number(body, after)
            at = after
            continue
        if code in (_CALL, _TAIL_CALL, _REF_FUNC):
            new = numbers.functions[old]
        elif code in (GLOBAL_GET, _GLOBAL_SET):
            new = numbers.globals[old]
            if code == _GLOBAL_SET:
                numbers.assigned.add(new)
        elif code in (_CALL_INDIRECT, _TAIL_CALL_INDIRECT) or (code in _BLOCKS and old >= 0):
            new = numbers.types[old]
        else:
            _refuse(f"instruction {body[at : at + 3].hex()}")
        encoded = encode_unsigned(new)
        if code in _BLOCKS and encoded[-1] & 0x40:  # this number is signed
            encoded = encoded[:-1] + bytes([encoded[-1] | 0x80, 0])
        parts += (body[begin : at + 1], encoded)
        begin = at = after
        if code in (_CALL_INDIRECT, _TAIL_CALL_INDIRECT):
            table, at = read_number(body, at)
            if table:
                _refuse(f"table {table}")
    parts.append(body[begin:])
    return encode_blob(b"".join(parts))


def _find_end(body: bytes, at: int) -> int:
    match = _PLAIN.match(body, at)
    return match.end() if match else at


def _read_type(reader: Reader) -> bytes:
    if reader.byte() != FUNCTION_TYPE:
        _refuse("type")
    return bytes([FUNCTION_TYPE]) + encode_blob(reader.blob()) + encode_blob(reader.blob())


def _read_limits(reader: Reader) -> bytes:
    flags = reader.byte()
    if flags > 1:
        _refuse(f"limits {flags}")
    return bytes([flags]) + b"".join(encode_unsigned(reader.number()) for _ in range(flags + 1))


def _read_import(reader: Reader) -> Import:
    module, name, kind = reader.name(), reader.name(), reader.byte()
    number, encoded = 0, b""
    match kind:
        case 0:
            number = reader.number()
        case 1:
            encoded = bytes([reader.byte()]) + _read_limits(reader)
        case 2:
            encoded = _read_limits(reader)
        case 3:
            encoded = reader.take(2)
        case _:
            _refuse(f"import {kind}")
    return Import(module, name, kind, number, encoded)


def _read_global(reader: Reader) -> Global:
    if (kind := reader.byte()) != I32:
        _refuse(f"global of type {kind:x}")
    return Global(bool(reader.byte()), _read_expression(reader))


def _read_expression(reader: Reader) -> bytes:
    begin = reader.at
    while (code := reader.byte()) != END:
        if code in (I32_CONST, GLOBAL_GET):
            reader.number()
        elif code != I32_ADD:
            _refuse(f"constant expression {code:x}")
    return bytes(reader.data[begin : reader.at])


def _read_export(module: CoreModule, reader: Reader) -> None:
    name = reader.name()
    module.exports[name] = reader.byte(), reader.number()


def _read_element(reader: Reader) -> Element:
    flags = reader.number()
    if flags == 2 and reader.number():  # with the table's number
        _refuse("table")
    offset = _read_expression(reader)
    if flags not in (0, 2) or (flags == 2 and reader.byte()):
        _refuse("element")
    return Element(offset, [reader.number() for _ in range(reader.number())])


def _read_function_names(reader: Reader, end: int) -> dict[int, bytes]:
    names: dict[int, bytes] = {}
    for part in read_sections(reader.data, reader.at, end):
        if part.kind == FUNCTION_NAMES:
            inner = Reader(reader.data, part.start)
            names = {inner.number(): inner.blob() for _ in range(inner.number())}
    return names


def _refuse(what: str) -> NoReturn:
    raise RuntimeError(f"The component has a module with an unexpected {what}.")

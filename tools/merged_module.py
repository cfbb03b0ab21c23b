"""Merges core modules that import each other's functions, globals, table and memory into one module."""

from collections.abc import Callable
from dataclasses import dataclass

from tools.core_modules import (
    CODE,
    CUSTOM,
    DATA,
    ELEMENTS,
    END,
    EXPORTS,
    FUNCTION,
    FUNCTION_NAMES,
    FUNCTIONS,
    GLOBAL,
    GLOBAL_GET,
    GLOBALS,
    I32,
    I32_CONST,
    IMPORTS,
    MEMORIES,
    TABLES,
    TYPES,
    CoreModule,
    Numbers,
    renumber,
)
from tools.wasm_format import Reader, encode_blob, encode_list, encode_section, encode_signed, encode_unsigned

_HEADER = b"\0asm\x01\0\0\0"
HOST = b"host"
"""The name under which all functions of the host are imported."""


@dataclass(frozen=True)
class Exported:
    """What an import refers to: the export of one of the modules."""

    module: int
    name: str


Resolve = Callable[[int, str, str], "Exported | int"]
"""Finds what a module imports, given the module's number and both names. Returns an export, or a number of the host's.
"""


class MergedModule:
    """The module that results from `modules`. `imports`: the host's numbers of the functions that it imports, in order.

    Their names are "host" and these numbers.
    """

    def __init__(self, modules: list[CoreModule], resolve: Resolve) -> None:
        self._modules = modules
        self._resolve = resolve
        self._types: dict[bytes, int] = {}
        self._imports: dict[int, int] = {}
        self._exports: dict[str, bytes] = {}
        for number, module in enumerate(modules):
            for item in module.imported(FUNCTION):
                if isinstance(host := resolve(number, item.module, item.name), int):
                    self._imports.setdefault(host, self._number_type(module.types[item.type]))
        self._first_function = self._count(len(self._imports), lambda module: len(module.functions))
        self._first_global = self._count(0, lambda module: len(module.globals))

    @property
    def imports(self) -> list[int]:
        return list(self._imports)

    def export(self, exported: Exported) -> str:
        """Exports something that one of the modules exports. Returns its name."""
        kind, _ = self._modules[exported.module].exports[exported.name]
        name = f"{exported.module} {exported.name}"
        number = 0 if kind not in (FUNCTION, GLOBAL) else self._locate(exported, kind)
        self._exports[name] = encode_blob(name.encode()) + bytes([kind]) + encode_unsigned(number)
        return name

    def encode(self) -> bytes:
        """Returns the module, with the exports that have been requested."""
        functions: list[bytes] = []
        bodies: list[bytes] = []
        elements: list[bytes] = []
        names: dict[int, bytes] = {}
        assigned: set[int] = set()
        for number, module in enumerate(self._modules):
            numbers = self._renumber(number, assigned)
            functions += [encode_unsigned(numbers.types[kind]) for kind in module.functions]
            bodies += [renumber(body, numbers) for body in module.bodies]
            names |= {numbers.functions[old]: name for old, name in module.names.items()}
            for element in module.elements:
                targets = [encode_unsigned(numbers.functions[old]) for old in element.functions]
                offset = self._compute(number, element.offset)
                elements.append(b"\0" + _encode_constant(offset) + encode_list(targets))
        content = [
            (TYPES, encode_list(list(self._types))),
            (IMPORTS, encode_list([_encode_import(*item) for item in self._imports.items()])),
            (FUNCTIONS, encode_list(functions)),
            (TABLES, encode_list([table for module in self._modules for table in module.tables])),
            (MEMORIES, encode_list([memory for module in self._modules for memory in module.memories])),
            (GLOBALS, encode_list(self._encode_globals(assigned))),
            (EXPORTS, encode_list(list(self._exports.values()))),
            (ELEMENTS, encode_list(elements)),
            (CODE, encode_list(bodies)),
            *((DATA, module.data) for module in self._modules if module.data),
            (CUSTOM, encode_blob(b"name") + _encode_names(names)),
        ]
        if any(len([module for module in self._modules if part(module)]) != 1 for part in _PARTS_OF_ONE):
            raise RuntimeError("Not exactly one of the component's modules has a memory, a table, or data.")
        return _HEADER + b"".join(encode_section(kind, part) for kind, part in content)

    def _renumber(self, number: int, assigned: set[int]) -> Numbers:
        module = self._modules[number]
        first_function, first_global = self._first_function[number], self._first_global[number]
        return Numbers(
            [self._locate_import(number, item.module, item.name, FUNCTION) for item in module.imported(FUNCTION)]
            + list(range(first_function, first_function + len(module.functions))),
            [self._locate_import(number, item.module, item.name, GLOBAL) for item in module.imported(GLOBAL)]
            + list(range(first_global, first_global + len(module.globals))),
            [self._number_type(item) for item in module.types],
            assigned,
        )

    def _encode_globals(self, assigned: set[int]) -> list[bytes]:
        """Returns the globals. Those that no code sets are constants, whose values wasmtime compiles into the code."""
        encoded: list[bytes] = []
        for number, module in enumerate(self._modules):
            for item in module.globals:
                is_mutable = len(encoded) in assigned
                encoded.append(bytes([I32, is_mutable]) + _encode_constant(self._compute(number, item.initial)))
        return encoded

    def _compute(self, number: int, expression: bytes) -> int:
        """Returns the value of a constant expression of a module."""
        stack: list[int] = []
        reader = Reader(expression)
        while (code := reader.byte()) != END:
            if code == I32_CONST:
                stack.append(reader.number(signed=True))
            elif code == GLOBAL_GET:
                stack.append(self._read_global(number, reader.number()))
            else:
                stack.append(stack.pop() + stack.pop())
        return (stack.pop() + 2**31) % 2**32 - 2**31

    def _read_global(self, number: int, old: int) -> int:
        """Returns the initial value of a module's global."""
        module = self._modules[number]
        imported = module.imported(GLOBAL)
        if old >= len(imported):
            return self._compute(number, module.globals[old - len(imported)].initial)
        found = self._resolve(number, imported[old].module, imported[old].name)
        if isinstance(found, int):
            raise RuntimeError("The component imports a global.")
        return self._read_global(found.module, self._modules[found.module].exports[found.name][1])

    def _locate_import(self, number: int, module: str, name: str, kind: int) -> int:
        found = self._resolve(number, module, name)
        return list(self._imports).index(found) if isinstance(found, int) else self._locate(found, kind)

    def _locate(self, exported: Exported, kind: int) -> int:
        """Returns the new number of an exported function or global."""
        module = self._modules[exported.module]
        _, old = module.exports[exported.name]
        imported = module.imported(kind)
        if old < len(imported):
            return self._locate_import(exported.module, imported[old].module, imported[old].name, kind)
        first = self._first_function if kind == FUNCTION else self._first_global
        return first[exported.module] + old - len(imported)

    def _number_type(self, encoded: bytes) -> int:
        return self._types.setdefault(encoded, len(self._types))

    def _count(self, first: int, count: Callable[[CoreModule], int]) -> list[int]:
        """Returns the number of the first item of each module."""
        numbers: list[int] = []
        for module in self._modules:
            numbers.append(first)
            first += count(module)
        return numbers


_PARTS_OF_ONE: tuple[Callable[[CoreModule], object], ...] = (
    lambda module: module.tables,
    lambda module: module.memories,
    lambda module: module.data,
)


def _encode_constant(value: int) -> bytes:
    return bytes([I32_CONST]) + encode_signed(value) + bytes([END])


def _encode_import(host: int, kind: int) -> bytes:
    return encode_blob(HOST) + encode_blob(str(host).encode()) + bytes([FUNCTION]) + encode_unsigned(kind)


def _encode_names(names: dict[int, bytes]) -> bytes:
    encoded = [encode_unsigned(number) + encode_blob(name) for number, name in sorted(names.items())]
    return encode_section(FUNCTION_NAMES, encode_list(encoded))

"""Merges the core modules of a component into one, as an instance of one module is created several times as fast.

componentize-py builds a component of a dozen core modules, such as libc and CPython, which share a memory and a table
of functions. wasmtime fills a table in advance if another module defines it, but lazily if the same module does. The
table has 5,000 entries, of which a run uses few. The code becomes faster too, as wasmtime knows which function it calls
and the addresses of its data.

A function of the host can only be imported with the memory of an instance, which in turn imports that function. Two
small modules solve this: the first calls the functions through another table, and the second fills that table. They
remain. Everything else in the component is copied.
"""

from collections.abc import Mapping

from tools.component_format import (
    ALIASES,
    CANONICALS,
    CORE,
    CORE_EXPORT,
    CORE_FUNCTION,
    CORE_INSTANCE,
    CORE_INSTANCES,
    CORE_MEMORY,
    CORE_MODULE,
    DROP,
    LIFT,
    LOWER,
    MEMORY_OPTION,
    Alias,
    Canonical,
    Copied,
    Core,
    CoreInstance,
    read_component,
)
from tools.core_modules import CoreModule, parse_module
from tools.merged_module import HOST, Exported, MergedModule
from tools.wasm_format import HEADER_BYTES, encode_blob, encode_list, encode_section, encode_unsigned

_LATE_TABLE = "$imports"
"""The table of the two small modules."""


def merge_modules(component: bytes) -> bytes:
    """Returns the component with one core module besides the two small ones. Raises `RuntimeError`."""
    core = Core()
    parts = list(read_component(component, core))
    writer = _Writer(core)
    for part in parts:
        match part:
            case CoreInstance():
                writer.keep_instance(part)
            case Canonical():
                writer.lift(part)
            case Copied():
                writer.copy(part.kind, part.content)
    return component[:HEADER_BYTES] + writer.finish()


class _Writer:
    """Writes the component. Core definitions are written when something refers to them, as their order changes."""

    def __init__(self, core: Core) -> None:
        self._core = core
        parsed = [parse_module(module) for module in core.modules]
        for module in parsed:
            if not module.exports:  # the functions that ran at the start, before the snapshot, are not called any more
                module.functions, module.bodies = [], []
        self._small = {number for number, module in enumerate(parsed) if _has_late_table(module)}
        merged = [item for item in core.instances if item.module is not None and item.module not in self._small]
        self._merged_numbers = {item.number: number for number, item in enumerate(merged)}
        """The numbers of the merged modules among themselves, by instance."""
        self._merged = MergedModule(
            [parsed[item.module] for item in merged if item.module is not None],
            lambda number, space, name: self._resolve(Alias(merged[number].arguments[space][1], name)),
        )
        self._merged_instance: int | None = None
        self._merged_place = 0
        self._parts: list[bytes] = []
        self._numbers: dict[tuple[int, int], int] = {}
        """The new numbers of the definitions that have been written, by sort and old number."""
        self._counts: dict[tuple[int, int], int] = {}

    def finish(self) -> bytes:
        """Returns all sections."""
        self._parts[self._merged_place] = encode_section(CORE_MODULE, self._merged.encode())
        return b"".join(self._parts)

    def copy(self, kind: int, content: bytes) -> None:
        """Writes a section."""
        self._parts.append(encode_section(kind, content))

    def keep_instance(self, instance: CoreInstance) -> None:
        """Writes an instance of a small module, even if nothing refers to it."""
        if instance.module in self._small:
            self._write(CORE_INSTANCE, instance.number)

    def lift(self, canonical: Canonical) -> None:
        """Writes a function that the component exports."""
        function = self._write(CORE_FUNCTION, canonical.function)
        options = self._encode_options(canonical.options)
        self._add(CANONICALS, bytes([LIFT, 0]) + encode_unsigned(function) + options + canonical.target)

    # What follows writes a definition, and returns its new number

    def _write(self, sort: int, number: int) -> int:
        if (sort, number) not in self._numbers:
            if sort == CORE_INSTANCE:
                new = self._write_instance(self._core.instances[number])
            else:
                new = self._write_item(sort, self._core.items[sort][number])
            self._numbers[sort, number] = new
        return self._numbers[sort, number]

    def _write_instance(self, instance: CoreInstance) -> int:
        arguments = [
            encode_blob(name.encode()) + bytes([sort]) + encode_unsigned(self._write(sort, number))
            for name, (sort, number) in instance.arguments.items()
        ]
        if instance.module is None:
            return self._add_instance(None, arguments)
        self.copy(CORE_MODULE, self._core.modules[instance.module])
        return self._add_instance(self._count(CORE_MODULE), arguments)

    def _write_item(self, sort: int, item: Alias | Canonical) -> int:
        if isinstance(item, Alias):
            if (merged := self._merged_numbers.get(item.instance)) is not None:
                instance, name = self._write_merged(), self._merged.export(Exported(merged, item.name))
            else:
                instance, name = self._write(CORE_INSTANCE, item.instance), item.name
            origin = encode_unsigned(instance) + encode_blob(name.encode())
            self._add(ALIASES, bytes([CORE, sort, CORE_EXPORT]) + origin)
        elif item.kind == DROP:
            self._add(CANONICALS, bytes([DROP]) + item.target)
        else:
            options = self._encode_options(item.options)
            self._add(CANONICALS, bytes([LOWER, 0]) + item.target + options)
        return self._count(CORE, sort)

    def _write_merged(self) -> int:
        if self._merged_instance is None:
            functions = [
                encode_blob(str(number).encode())
                + bytes([CORE_FUNCTION])
                + encode_unsigned(self._write(CORE_FUNCTION, number))
                for number in self._merged.imports
            ]
            host = encode_unsigned(self._add_instance(None, functions))
            self._merged_place = len(self._parts)
            self._parts.append(b"")  # its exports are not known yet
            argument = encode_blob(HOST) + bytes([CORE_INSTANCE]) + host
            self._merged_instance = self._add_instance(self._count(CORE_MODULE), [argument])
        return self._merged_instance

    def _add_instance(self, module: int | None, arguments: list[bytes]) -> int:
        kind = b"\1" if module is None else b"\0" + encode_unsigned(module)
        self._add(CORE_INSTANCES, kind + encode_list(arguments))
        return self._count(CORE_INSTANCES)

    def _encode_options(self, options: Mapping[int, int | None]) -> bytes:
        encoded: list[bytes] = []
        for option, number in options.items():
            sort = CORE_MEMORY if option == MEMORY_OPTION else CORE_FUNCTION
            encoded.append(bytes([option]) + (b"" if number is None else encode_unsigned(self._write(sort, number))))
        return encode_list(encoded)

    def _add(self, kind: int, item: bytes) -> None:
        self.copy(kind, encode_list([item]))

    def _count(self, kind: int, sort: int = 0) -> int:
        """Returns the number of a new definition."""
        number = self._counts.get((kind, sort), 0)
        self._counts[kind, sort] = number + 1
        return number

    def _resolve(self, alias: Alias) -> Exported | int:
        """Finds the definition: an export of a merged module, or the number of a function that none of them defines."""
        if (merged := self._merged_numbers.get(alias.instance)) is not None:
            return Exported(merged, alias.name)
        sort, number = self._core.instances[alias.instance].arguments[alias.name]
        item = self._core.items[sort][number]
        if isinstance(item, Alias) and self._core.instances[item.instance].module not in self._small:
            return self._resolve(item)
        return number


def _has_late_table(module: CoreModule) -> bool:
    return _LATE_TABLE in module.exports or any(item.name == _LATE_TABLE for item in module.imports)

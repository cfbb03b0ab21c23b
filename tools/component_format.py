"""Reads a component of WebAssembly's component model: its core modules, and how they are connected."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from tools.wasm_format import HEADER_BYTES, Reader, read_sections

CUSTOM, CORE_MODULE, CORE_INSTANCES, ALIASES, CANONICALS = 0, 1, 2, 6, 8
"""The kinds of sections that are not only copied."""
CORE_FUNCTION, CORE_MEMORY, CORE_INSTANCE = 0x00, 0x02, 0x12
"""Sorts of definitions in core modules."""
CORE = 0
"""The sort of an alias for any definition in a core module."""
CORE_EXPORT = 1
"""The kind of an alias for an export of a core instance."""
LIFT, LOWER, DROP = 0, 1, 3
"""The kinds of canonical functions."""
MEMORY_OPTION, POST_RETURN_OPTION = 3, 5
"""Options of a canonical function: from the first one on, they have a number; after the second one, others follow."""


@dataclass(frozen=True)
class CoreInstance:
    """An instance of a module, with instances as arguments; or, without a module, a collection of definitions.

    `number`: its own. `arguments`: (sort, number), by name.
    """

    number: int
    module: int | None
    arguments: dict[str, tuple[int, int]]


@dataclass(frozen=True)
class Alias:
    """A definition that a core instance exports."""

    instance: int
    name: str


@dataclass(frozen=True)
class Canonical:
    """A function that passes from the component to core modules (`LIFT`) or back, or drops a resource.

    `function`: for `LIFT`, the number of the core function. `target`: the rest of what it refers to, encoded.
    `options`: the number of a core function or memory, or None, by option.
    """

    kind: int
    function: int
    target: bytes
    options: dict[int, int | None]


@dataclass(frozen=True)
class Copied:
    """A section, or an item of a section, that refers to no definition in core modules."""

    kind: int
    content: bytes


@dataclass
class Core:
    """All definitions in core modules, by number. `items`: functions, tables and so on, by sort and number."""

    modules: list[bytes] = field(default_factory=list[bytes])
    instances: list[CoreInstance] = field(default_factory=list[CoreInstance])
    items: dict[int, list[Alias | Canonical]] = field(default_factory=dict[int, "list[Alias | Canonical]"])

    def add(self, sort: int, item: Alias | Canonical) -> None:
        """Adds a definition of a sort."""
        self.items.setdefault(sort, []).append(item)


def read_component(component: bytes, core: Core) -> Iterator[CoreInstance | Canonical | Copied]:
    """Yields the instances, lifted functions and copied parts, in order, and adds all definitions to `core`.

    Raises `RuntimeError` if the component uses anything that componentize-py does not.
    """
    for section in read_sections(component, HEADER_BYTES, len(component)):
        content = component[section.start : section.end]
        reader = Reader(content)
        if section.kind == CUSTOM:
            continue
        if section.kind == CORE_MODULE:
            core.modules.append(content)
        elif section.kind == CORE_INSTANCES:
            for _ in range(reader.number()):
                core.instances.append(instance := _read_instance(reader, len(core.instances)))
                yield instance
        elif section.kind == ALIASES:
            for _ in range(reader.number()):
                if alias := _read_alias(reader, core):
                    yield Copied(ALIASES, b"\1" + alias)
        elif section.kind == CANONICALS:
            for _ in range(reader.number()):
                canonical = _read_canonical(reader)
                if canonical.kind == LIFT:
                    yield canonical
                else:
                    core.add(CORE_FUNCTION, canonical)
        else:
            yield Copied(section.kind, content)


def _read_instance(reader: Reader, number: int) -> CoreInstance:
    module = None if reader.byte() else reader.number()
    arguments: dict[str, tuple[int, int]] = {}
    for _ in range(reader.number()):
        name = reader.name()
        arguments[name] = reader.byte(), reader.number()
    return CoreInstance(number, module, arguments)


def _read_alias(reader: Reader, core: Core) -> bytes | None:
    """Returns the alias, unless it is an export of a core instance, which is added to `core`."""
    begin = reader.at
    sort = reader.byte()
    core_sort = reader.byte() if sort == CORE else 0
    kind, instance = reader.byte(), reader.number()
    if kind == CORE_EXPORT:
        core.add(core_sort, Alias(instance, reader.name()))
        return None
    if kind:  # a definition of the surrounding component
        reader.number()
    else:
        reader.name()
    return bytes(reader.data[begin : reader.at])


def _read_canonical(reader: Reader) -> Canonical:
    kind = reader.byte()
    if kind == DROP:
        return Canonical(kind, 0, reader.encoded_number(), {})
    if kind not in (LIFT, LOWER) or reader.byte():
        raise RuntimeError(f"The component has a canonical function of the unexpected kind {kind}.")
    function = reader.number() if kind == LIFT else 0
    target = reader.encoded_number() if kind == LOWER else b""
    options: dict[int, int | None] = {}
    for _ in range(reader.number()):
        if (option := reader.byte()) > POST_RETURN_OPTION:
            raise RuntimeError(f"The component has the unexpected canonical option {option}.")
        options[option] = reader.number() if option >= MEMORY_OPTION else None
    return Canonical(kind, function, target or reader.encoded_number(), options)

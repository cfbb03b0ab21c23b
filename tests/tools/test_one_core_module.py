"""`merge_modules` merges the core modules of a component without changing what the component does."""

import gzip
from collections.abc import Callable
from typing import Any

import pytest
import wasmtime
from wasmtime.component import Component, Linker

from shared.sandbox import fork_server
from tools.build_engine import FOLDER
from tools.component_format import Core, read_component
from tools.core_modules import CoreModule, parse_module
from tools.one_core_module import merge_modules

MANY_TYPES = "\n".join(f"(type (func {'(param i32) ' * (number + 5)}))" for number in range(80))
"""Types that make the number of the next one long: the encoding of a block's type is signed, unlike others."""
COMPONENT = f"""
(component
  (import "twice" (func $twice (param "x" u32) (result u32)))
  (import "length" (func $length (param "text" string) (result u32)))
  (core module $late
    (table (export "$imports") 1 funcref)
    (func (export "0") (param i32 i32) (result i32)
      local.get 0 local.get 1 i32.const 0 call_indirect (param i32 i32) (result i32)))
  (core module $fill
    (import "" "0" (func (param i32 i32) (result i32)))
    (import "" "$imports" (table 1 funcref))
    (elem (i32.const 0) func 0))
  (core module $main
    (memory (export "memory") 1)
    (table (export "table") 8 funcref)
    (global (export "table_base") i32 i32.const 3)
    (global (export "memory_base") i32 i32.const 1000)
    (global (export "address") (mut i32) i32.const 1004)
    (global (export "calls") (mut i32) i32.const 0)
    (data (i32.const 1000) "\\05\\00\\00\\00\\07\\00\\00\\00four"))
  (core module $library
    (import "env" "memory" (memory 1))
    (import "env" "table" (table 0 funcref))
    (import "env" "table_base" (global $table_base i32))
    (import "env" "calls" (global $calls (mut i32)))
    (func $add (export "add") (param i32 i32) (result i32)
      global.get $calls i32.const 1 i32.add global.set $calls
      local.get 0 local.get 1 i32.add)
    (func $multiply (param i32 i32) (result i32) local.get 0 local.get 1 i32.mul)
    (global (export "multiply") i32 global.get $table_base i32.const 1 i32.add)
    (elem (global.get $table_base) func $add $multiply))
  (core module $program
    {MANY_TYPES}
    (type $binary (func (param i32 i32) (result i32)))
    (import "env" "memory" (memory 1))
    (import "env" "table" (table 0 funcref))
    (import "env" "memory_base" (global $base i32))
    (import "env" "calls" (global $calls (mut i32)))
    (import "got" "address" (global $address (mut i32)))
    (import "got" "multiply" (global $multiply i32))
    (import "env" "add" (func $add (type $binary)))
    (import "host" "twice" (func $twice (param i32) (result i32)))
    (import "host" "length" (func $length (param i32 i32) (result i32)))
    (func $choose (param i32) (result i32)
      (block (block (block (br_table 0 1 2 (i32.rem_u (local.get 0) (i32.const 3))))
        (return (i32.const 100))) (return (i32.const 200)))
      i32.const 300)
    (func (export "run") (param i32) (result i32) (local f64 i64)
      (local.set 1 (f64.const 2.5))
      (local.set 2 (i64.const -1234567890123))
      local.get 0
      i32.const 3
      (block (type $binary) call $add)  ;; x + 3
      (i32.load (global.get $base))
      (i32.load (global.get $address))
      (call_indirect (type $binary) (global.get $multiply))  ;; 35
      call $add
      (call $twice (local.get 0))
      call $add
      (call $length (i32.const 1008) (i32.const 4))
      call $add
      (call $choose (local.get 0))
      call $add
      (i32.trunc_sat_f64_s (local.get 1))
      call $add
      (i32.mul (global.get $calls) (i32.const 1000))
      call $add)
    (func (export "unused") (result i32) i32.const 1))
  (core instance $late (instantiate $late))
  (core instance $main (instantiate $main))
  (core instance $environment
    (export "memory" (memory $main "memory"))
    (export "table" (table $main "table"))
    (export "table_base" (global $main "table_base"))
    (export "calls" (global $main "calls")))
  (core instance $library (instantiate $library (with "env" (instance $environment))))
  (core func $twice (canon lower (func $twice)))
  (core instance $program (instantiate $program
    (with "env" (instance
      (export "memory" (memory $main "memory"))
      (export "table" (table $main "table"))
      (export "memory_base" (global $main "memory_base"))
      (export "calls" (global $main "calls"))
      (export "add" (func $library "add"))))
    (with "got" (instance
      (export "address" (global $main "address"))
      (export "multiply" (global $library "multiply"))))
    (with "host" (instance
      (export "twice" (func $twice))
      (export "length" (func $late "0"))))))
  (core func $length (canon lower (func $length) (memory (core memory $main "memory")) string-encoding=utf8))
  (core instance $fill (instantiate $fill (with "" (instance
    (export "$imports" (table $late "$imports"))
    (export "0" (func $length))))))
  (func (export "run") (param "x" u32) (result u32) (canon lift (core func $program "run"))))
"""


def double(_store: Any, x: int) -> int:
    return 2 * x


def measure(_store: Any, text: str) -> int:
    return len(text)


def run(component: bytes, number: int) -> int:
    engine = wasmtime.Engine()
    linker = Linker(engine)
    with linker.root() as root:
        root.add_func("twice", double)
        root.add_func("length", measure)
    store = wasmtime.Store(engine)
    function = linker.instantiate(store, Component(engine, component)).get_func(store, "run")
    assert function is not None
    return function(store, number)


def parse(text: str, change: Callable[[bytes], bytes] = bytes) -> list[CoreModule]:
    return [parse_module(module) for module in list_modules(change(bytes(wasmtime.wat2wasm(text))))]


def list_modules(component: bytes) -> list[bytes]:
    core = Core()
    list(read_component(component, core))
    return core.modules


def test_a_merged_component_does_the_same() -> None:
    """Calls, indirect calls, the table, the memory, globals, and the host's functions mean the same after merging."""
    before = bytes(wasmtime.wat2wasm(COMPONENT))
    after = merge_modules(before)
    for number in range(4):
        expected = number + 3 + 35 + 2 * number + 4 + (100, 200, 300, 100)[number] + 2 + 1000 * 6
        assert (run(before, number), run(after, number)) == (expected, expected)


def test_one_module_defines_the_memory_and_the_table_and_fills_both() -> None:
    """Besides the two small modules, one is left. It imports only functions, and exports only what others use."""
    modules = parse(COMPONENT, merge_modules)
    assert len(modules) == 3
    (merged,) = (module for module in modules if module.memories)
    assert [len(merged.tables), len(merged.elements), merged.imported(1), merged.imported(2)] == [1, 1, [], []]
    assert sorted(merged.exports) == ["0 memory", "2 run"]


def test_only_globals_that_code_sets_stay_mutable() -> None:
    """wasmtime compiles the values of the others into the code."""
    (before,) = (module for module in parse(COMPONENT) if len(module.globals) == 4)
    assert [item.is_mutable for item in before.globals] == [False, False, True, True]
    (after,) = (module for module in parse(COMPONENT, merge_modules) if module.memories)
    assert [item.is_mutable for item in after.globals] == [False, False, False, True, False]


@pytest.mark.parametrize(
    ("code", "what"),
    [
        ("(drop (v128.const i32x4 0 0 0 0))", "instruction fd0c"),
        ("(drop (table.size 0))", "instruction fc10"),
        ("(memory.init 0 (i32.const 0) (i32.const 0) (i32.const 0))", "section 12"),
    ],
)
def test_anything_unknown_is_refused(code: str, what: str) -> None:
    """The build fails if a module contains anything that could refer to other parts of it in an unknown way."""
    module = f'(core module $m (memory 1) (table 1 funcref) (data "x") (func (export "run") {code}))'
    function = '(func (export "run") (canon lift (core func $i "run")))'
    with pytest.raises(RuntimeError, match=what):
        parse(f"(component {module} (core instance $i (instantiate $m)) {function})", merge_modules)


def test_the_agents_python_is_one_module() -> None:
    """The build's component has one large module besides the two small ones."""
    with gzip.open(FOLDER / fork_server.COMPONENT) as file:
        sizes = sorted(len(module) for module in list_modules(file.read()))
    assert len(sizes) == 3
    assert sizes[1] < 10_000 < 10_000_000 < sizes[2]

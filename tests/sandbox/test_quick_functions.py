"""Functions that are defined without wasmtime's conversions behave like those that are defined with them."""

from collections.abc import Callable
from typing import Any

import pytest
import wasmtime
from wasmtime.component import Component, Linker

from shared.sandbox.fork_server.quick_functions import QuickFunctions

COMPONENT = """
(component
  (import "f" (func $f (result u64)))
  (core func $f (canon lower (func $f)))
  (core module $m (import "" "f" (func $f (result i64))) (func (export "run") (result i64) call $f))
  (core instance $i (instantiate $m (with "" (instance (export "f" (func $f))))))
  (func (export "run") (result u64) (canon lift (core func $i "run"))))
"""


def run(define: Callable[[QuickFunctions, Any], None]) -> Any:
    engine = wasmtime.Engine()
    linker = Linker(engine)
    quick = QuickFunctions()
    with linker.root() as root:
        define(quick, root)
    store = wasmtime.Store(engine)
    function = linker.instantiate(store, Component(engine, COMPONENT)).get_func(store, "run")
    assert function is not None
    return function(store)


def returns(value: Any) -> Callable[[Any], Any]:
    def function(_store: Any) -> Any:
        return value

    return function


def define_number(quick: QuickFunctions, root: Any) -> None:
    quick.define_number(root, "f", returns(2**64 - 1))


def define_receiver(quick: QuickFunctions, root: Any) -> None:
    quick.define_receiver(root, "f", returns("text"))


def define_empty_list(quick: QuickFunctions, root: Any) -> None:
    quick.define_empty_list(root, "f")


def define_sender(quick: QuickFunctions, root: Any) -> None:
    quick.define_sender(root, "f", print)


def define_failing(quick: QuickFunctions, root: Any) -> None:
    def fail(_store: Any) -> int:
        raise MemoryError

    quick.define_number(root, "f", fail)


def test_a_number_is_returned() -> None:
    """Numbers have 64 bits."""
    assert run(define_number) == 2**64 - 1


@pytest.mark.parametrize(
    ("define", "error"),
    [
        pytest.param(define_receiver, wasmtime.WasmtimeError, id="a string"),
        pytest.param(define_empty_list, wasmtime.WasmtimeError, id="a list"),
        pytest.param(define_sender, TypeError, id="no result, but an argument"),
    ],
)
def test_a_function_of_another_type_is_refused(
    define: Callable[[QuickFunctions, Any], None], error: type[Exception]
) -> None:
    """A call fails if the function's type is not the one that the component imports."""
    with pytest.raises(error):
        run(define)


def test_an_exception_ends_the_run() -> None:
    """The caller of the instance gets the exception, so that it can distinguish the reasons why a run ended."""
    with pytest.raises(MemoryError):
        run(define_failing)

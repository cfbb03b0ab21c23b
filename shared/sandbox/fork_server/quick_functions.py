"""Defines the functions that every guest calls, without the conversions of wasmtime's Python package.

The package inspects a function's type at each call, which takes 20 microseconds. These functions have a fixed type
each. If it is not the one that the component imports, the call fails: the numbers of arguments and results are checked
here, and wasmtime checks the result.
"""

import ctypes
from collections.abc import Callable
from typing import Any

_Function = tuple[Callable[[Any, Any, Any], None], tuple[int, int]]
"""A function, which gets the store, its arguments and its results, and the numbers of its arguments and results."""


class QuickFunctions:
    """Defines functions in a linker. It has to live as long as the linker's instances."""

    def __init__(self) -> None:
        from wasmtime import _ffi as ffi  # pyright: ignore[reportMissingImports]
        from wasmtime.component._enter import catch_exceptions  # pyright: ignore[reportMissingImports]

        self._ffi: Any = ffi
        self._functions: list[_Function] = []
        functions = self._functions

        def call(number: int | None, context: Any, _type: Any, arguments: Any, n: int, results: Any, m: int) -> Any:
            function, counts = functions[number or 0]

            def run(store: Any) -> None:
                if counts != (n, m):
                    raise TypeError("The component imports a function of another type.")
                function(store, arguments, results)

            return catch_exceptions(context, run)

        self._callback: Any = self._ffi.wasmtime_component_func_callback_t(call)

    def define_sender(self, instance: Any, name: str, send: Callable[[Any, str], None]) -> None:
        """Defines a function that takes a string."""
        free = self._ffi.wasm_byte_vec_delete

        def function(store: Any, arguments: Any, _results: Any) -> None:
            string = arguments[0].of.string
            text = ctypes.string_at(string.data, string.size).decode()
            free(ctypes.byref(string))
            send(store, text)

        self._define(instance, name, function, (1, 0))

    def define_receiver(self, instance: Any, name: str, receive: Callable[[Any], str]) -> None:
        """Defines a function that returns a string."""
        kind, allocate = self._ffi.WASMTIME_COMPONENT_STRING, self._ffi.str_to_capi

        def function(store: Any, _arguments: Any, results: Any) -> None:
            string = allocate(receive(store))
            result = results[0]  # it is changed last, as wasmtime frees it if anything above fails
            result.of.string = string
            result.kind = kind

        self._define(instance, name, function, (0, 1))

    def define_number(self, instance: Any, name: str, compute: Callable[[Any], int]) -> None:
        """Defines a function that returns a number of 64 bits."""
        kind = self._ffi.WASMTIME_COMPONENT_U64

        def function(store: Any, _arguments: Any, results: Any) -> None:
            result = results[0]
            result.of.u64 = compute(store)
            result.kind = kind

        self._define(instance, name, function, (0, 1))

    def define_bytes(self, instance: Any, name: str, compute: Callable[[Any, int], bytes]) -> None:
        """Defines a function that returns as many bytes as its argument demands."""
        ffi = self._ffi
        element_kind, kind = ffi.WASMTIME_COMPONENT_U8, ffi.WASMTIME_COMPONENT_LIST

        def function(store: Any, arguments: Any, results: Any) -> None:
            data = compute(store, arguments[0].of.u64)
            values = ffi.wasmtime_component_vallist_t()
            ffi.wasmtime_component_vallist_new_uninit(ctypes.byref(values), len(data))
            items = values.data
            for index, byte in enumerate(data):
                item = items[index]
                item.kind = element_kind
                item.of.u8 = byte
            result = results[0]
            result.of.list = values
            result.kind = kind

        self._define(instance, name, function, (1, 1))

    def define_empty_list(self, instance: Any, name: str) -> None:
        """Defines a function that returns an empty list."""
        create, kind = self._ffi.wasmtime_component_vallist_new_empty, self._ffi.WASMTIME_COMPONENT_LIST

        def function(_store: Any, _arguments: Any, results: Any) -> None:
            result = results[0]
            create(ctypes.byref(result.of.list))
            result.kind = kind

        self._define(instance, name, function, (0, 1))

    def _define(
        self, instance: Any, name: str, function: Callable[[Any, Any, Any], None], counts: tuple[int, int]
    ) -> None:
        encoded = name.encode()
        error = self._ffi.wasmtime_component_linker_instance_add_func(
            instance.ptr(),
            ctypes.create_string_buffer(encoded),
            len(encoded),
            self._callback,
            len(self._functions),
            _finalize,
        )
        if error:
            raise RuntimeError(f"wasmtime refused the function {name}.")
        self._functions.append((function, counts))


@ctypes.CFUNCTYPE(None, ctypes.c_void_p)
def _finalize(_number: int | None) -> None:
    """Does nothing: the functions stay."""

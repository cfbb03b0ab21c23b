"""The full engine: CPython in WebAssembly (Pyodide), in a Deno process that may do nothing.

`engine` runs a program in an interpreter of `interpreters`, whose files `installation` lays out; `conversation` is
what is said meanwhile. `guest` is what runs inside.
"""

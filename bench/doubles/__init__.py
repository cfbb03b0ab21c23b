"""Lean doubles of the services that functions call. Each runs in its own process (`bench.remote`).

The doubles in `tests/doubles` can do more, and take as much CPU time as what is measured.
"""

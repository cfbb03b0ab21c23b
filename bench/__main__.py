"""`make bench`: runs all measurements, or only the named ones, as in `make bench ARGS="reads cold_start"`."""

import argparse
import sys
import time
import traceback
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

from bench.progress import say
from bench.report import FILE, write_report
from bench.rows import Row
from bench.table import write_table

_ROUNDS = 5
_SECONDS = {
    "cold_start": 190,
    "worker": 90,
    "reads": 110,
    "submission": 60,
    "run_code": 30,
    "chats": 110,
    "many_chats": 120,
    "published": 130,
    "lists": 300,
    "sandbox": 60,
    "fairness": 90,
}
"""The modules in `bench.measurements`, and about how long each takes with the default number of rounds.

They are imported one by one, because the processes of `bench.remote` import this module as well.
"""


def main(arguments: Sequence[str]) -> int:
    """Runs the command. Returns 1 if a measurement failed, and 130 after Ctrl-C."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("measurements", nargs="*", help=f"some of {', '.join(_SECONDS)}; all if none is named")
    parser.add_argument("--rounds", type=int, default=_ROUNDS, help=f"rounds of each measurement; {_ROUNDS} by default")
    parser.add_argument("--file", type=Path, default=FILE, help="where to write all samples; build/bench.json if unset")
    options = parser.parse_args(arguments)
    if unknown := set(options.measurements) - set(_SECONDS):
        parser.error(f"unknown: {', '.join(sorted(unknown))}; choose from {', '.join(_SECONDS)}")
    names: list[str] = options.measurements or list(_SECONDS)
    began = time.perf_counter()
    results: dict[str, list[Row]] = {}
    stopped = False
    for number, name in enumerate(names):
        left = sum(_SECONDS[each] for each in names[number:]) * options.rounds / _ROUNDS
        say(f"{name}: measurement {number + 1} of {len(names)}, about {max(1, round(left / 60))} min left in all")
        results[name] = []
        try:
            _run(name, options.rounds, results[name])
        except KeyboardInterrupt:
            stopped = True
            break
    rows = [row for each in results.values() for row in each]
    write_report(results, time.perf_counter() - began, options.file)
    print(write_table(rows))
    say(f"{time.perf_counter() - began:.0f} s; all samples are in {options.file}")
    return 130 if stopped else int(any(row.failure is not None for row in rows))


def _run(name: str, rounds: int, rows: list[Row]) -> None:
    """Runs one measurement and appends its rows. A failure ends only this one, and becomes a row."""
    began = time.perf_counter()
    try:
        for row in import_module(f"bench.measurements.{name}").measure(rounds):
            rows.append(row)
            summary = row.summary
            say(f"  {time.perf_counter() - began:4.0f} s  {row.what}" + (f": {summary.median:.4g}" if summary else ""))
    except Exception as error:
        traceback.print_exc()
        rows.append(Row(name, failure=f"{type(error).__name__}: {error}"))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""`make bench`: runs all measurements, or only the named ones, as in `make bench ARGS="reads cold_start"`."""

import argparse
import sys
import time
import traceback
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

from bench.progress import say
from bench.report import FILE, check_writable, write_report
from bench.rows import Row
from bench.table import describe, write_table
from bench.watching import MeasurementFailed

_ROUNDS = 5
_SECONDS = {
    "cold_start": 190,
    "worker": 90,
    "reads": 110,
    "submission": 60,
    "run_code": 30,
    "chats": 110,
    "many_chats": 120,
    "live": 220,
    "openai": 60,
    "published": 130,
    "runs": 60,
    "lists": 300,
    "sandbox": 60,
    "fairness": 90,
}
"""The modules in `bench.measurements`, and about how long each takes with the default number of rounds.

They are imported one by one, because the processes of `bench.remote` import this module as well.
"""

_PREPARATION = 0.3
"""The share of these times that does not depend on the number of rounds."""


def main(arguments: Sequence[str]) -> int:
    """Runs the command. Returns 1 if a measurement failed or the file was not written, and 130 after Ctrl-C."""
    names, rounds, file = _parse(arguments)
    began = time.perf_counter()
    results: dict[str, list[Row]] = {}
    interrupted = False
    for number, name in enumerate(names):
        share = _PREPARATION + (1 - _PREPARATION) * rounds / _ROUNDS
        left = sum(_SECONDS[each] for each in names[number:]) * share
        say(f"{name}: measurement {number + 1} of {len(names)}, about {max(1, round(left / 60))} min left in all")
        results[name] = []
        try:
            _run(name, rounds, results[name])
        except KeyboardInterrupt:
            say(f"Interrupted in {name}.")
            interrupted = True
            break
    rows = [row for each in results.values() for row in each]
    seconds = time.perf_counter() - began
    if not rows:
        say("Nothing has been measured.")
        return 130 if interrupted else 0
    print(write_table(rows), flush=True)
    try:
        written = write_report(results, seconds, file, interrupted)
    except OSError as error:
        say(f"{file} was not written: {error}")
        return 130 if interrupted else 1
    say(f"{seconds:.0f} s; all samples are in {written}")
    if written != file:
        say(f"The run is not complete, so {file} has not been changed.")
    return 130 if interrupted else int(any(row.failure is not None for row in rows))


def _parse(arguments: Sequence[str]) -> tuple[list[str], int, Path]:
    """Returns the measurements, the number of rounds and the file. Exits with 2 if one of them cannot be used."""
    parser = argparse.ArgumentParser(
        prog="make bench",
        description=__doc__,
        usage='make bench [ARGS="[--rounds ROUNDS] [--file FILE] [measurement …]"]',
        epilog="make passes these options on only in ARGS. If this command fails, make itself exits with 2.",
    )
    parser.add_argument("measurements", nargs="*", help=f"some of {', '.join(_SECONDS)}; all if none is named")
    parser.add_argument("--rounds", type=int, default=_ROUNDS, help=f"rounds of each measurement; {_ROUNDS} by default")
    parser.add_argument("--file", type=Path, default=FILE, help="where to write all samples; build/bench.json if unset")
    options = parser.parse_args(arguments)
    if unknown := set(options.measurements) - set(_SECONDS):
        parser.error(f"unknown: {', '.join(sorted(unknown))}; choose from {', '.join(_SECONDS)}")
    if options.rounds < 1:
        parser.error("--rounds must be at least 1")
    try:
        check_writable(options.file)
    except OSError as error:
        parser.error(f"--file {options.file} cannot be written: {error.strerror}")
    return options.measurements or list(_SECONDS), options.rounds, options.file


def _run(name: str, rounds: int, rows: list[Row]) -> None:
    """Runs one measurement and appends its rows. A failure ends only this one, and becomes a row."""
    began = time.perf_counter()
    try:
        for row in import_module(f"bench.measurements.{name}").measure(rounds):
            rows.append(row)
            say(f"  {time.perf_counter() - began:4.0f} s  {describe(row)}")
    except Exception as error:
        rows.append(Row(name, failure=_explain(error)))
        say(describe(rows[-1]))


def _explain(error: Exception) -> str:
    """Shows everything that is known about a failure, and returns its cause in one line."""
    if not isinstance(error, MeasurementFailed):
        traceback.print_exception(error)
        return f"{type(error).__name__}: {error}"
    for note in getattr(error, "__notes__", []):
        say(note)
    return str(error)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""`make bench`: runs all measurements, or only the named ones, as in `make bench ARGS="reads cold_start"`."""

import argparse
import sys
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from bench.measurements import (
    chats,
    cold_start,
    fairness,
    lists,
    published,
    reads,
    run_code,
    sandbox,
    submission,
    worker,
)
from bench.report import FILE, write_report
from bench.rows import Row
from bench.table import write_table

_ROUNDS = 5


@dataclass(frozen=True)
class _Measurement:
    """A measurement, and about how many seconds it takes with the default number of rounds."""

    measure: Callable[[int], Iterator[Row]]
    seconds: int


_MEASUREMENTS = {
    "cold_start": _Measurement(cold_start.measure, 200),
    "worker": _Measurement(worker.measure, 90),
    "reads": _Measurement(reads.measure, 100),
    "submission": _Measurement(submission.measure, 60),
    "run_code": _Measurement(run_code.measure, 30),
    "chats": _Measurement(chats.measure, 260),
    "published": _Measurement(published.measure, 110),
    "lists": _Measurement(lists.measure, 250),
    "sandbox": _Measurement(sandbox.measure, 60),
    "fairness": _Measurement(fairness.measure, 60),
}


def main(arguments: Sequence[str]) -> int:
    """Runs the command. Returns 1 if a measurement failed."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("measurements", nargs="*", help=f"some of {', '.join(_MEASUREMENTS)}; all if none is named")
    parser.add_argument("--rounds", type=int, default=_ROUNDS, help=f"rounds of each measurement; {_ROUNDS} by default")
    options = parser.parse_args(arguments)
    if unknown := set(options.measurements) - set(_MEASUREMENTS):
        parser.error(f"unknown: {', '.join(sorted(unknown))}; choose from {', '.join(_MEASUREMENTS)}")
    names: list[str] = options.measurements or list(_MEASUREMENTS)
    began = time.perf_counter()
    results: dict[str, list[Row]] = {}
    for number, name in enumerate(names):
        left = sum(_MEASUREMENTS[each].seconds for each in names[number:]) * options.rounds / _ROUNDS
        _say(f"{name}: measurement {number + 1} of {len(names)}, about {max(1, round(left / 60))} min left in all")
        results[name] = _run(name, options.rounds)
    rows = [row for name in names for row in results[name]]
    write_report(results, time.perf_counter() - began)
    print(write_table(rows))
    _say(f"{time.perf_counter() - began:.0f} s; all samples are in {FILE}")
    return int(any(row.failure is not None for row in rows))


def _run(name: str, rounds: int) -> list[Row]:
    """Runs one measurement. A failure ends only this one, and becomes a row."""
    rows: list[Row] = []
    began = time.perf_counter()
    try:
        for row in _MEASUREMENTS[name].measure(rounds):
            rows.append(row)
            summary = row.summary
            _say(f"  {time.perf_counter() - began:4.0f} s  {row.what}" + (f": {summary.median:.4g}" if summary else ""))
    except Exception as error:
        traceback.print_exc()
        rows.append(Row(name, failure=f"{type(error).__name__}: {error}"))
    return rows


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

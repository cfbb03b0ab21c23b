"""Rates of requests, and the CPU time that a function needs for each."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median

from bench.backends import Backends
from bench.load import Load
from bench.rows import Row, Target
from bench.served import Served
from bench.statistics import ratios


@dataclass
class Rates:
    """The rates of a function in some rounds, in requests per second, and its CPU time per request in milliseconds."""

    per_second: list[float] = field(default_factory=list[float])
    cpu_milliseconds: list[float] = field(default_factory=list[float])

    def add(self, load: Load, cpu_seconds: float) -> None:
        """Adds a round."""
        self.per_second.append(load.per_second)
        self.cpu_milliseconds.append(1000 * cpu_seconds / len(load.latencies))


def flood(
    backends: Backends, function: Served, clients: Sequence[Sequence[bytes]], seconds: float
) -> tuple[Load, float]:
    """Each client repeats its requests for this long. Returns the load and the function's CPU time, in seconds.

    Raises `RequestsFailed` if a response is not 2xx.
    """
    before = function.total_cpu_seconds()
    load: Load = backends.load.call("flood", function.port, clients, seconds)
    return load.check(), function.total_cpu_seconds() - before


def write_row(what: str, ours: Rates, floor: Rates, target: Target, note: str = "") -> Row:
    """Returns the row of a rate. Its note has the CPU time, which other processes affect less."""
    cpu = median(ratios(ours.cpu_milliseconds, floor.cpu_milliseconds))
    cpu_note = f"{median(ours.cpu_milliseconds):.2f} ms of CPU time per request, {cpu:.2f} times the floor's"
    raw = {"cpu_milliseconds": {"ours": ours.cpu_milliseconds, "floor": floor.cpu_milliseconds}}
    return Row(what, "/s", ours.per_second, floor.per_second, target, f"{note}; {cpu_note}" if note else cpu_note, raw)

"""The figures of a row: medians with their ranges, ratios within rounds, and percentiles."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True)
class Summary:
    """The median of some values, and their range."""

    median: float
    minimum: float
    maximum: float


def summarize(values: Sequence[float]) -> Summary:
    """Summarizes at least one value."""
    return Summary(median(values), min(values), max(values))


def ratios(ours: Sequence[float], floor: Sequence[float]) -> list[float]:
    """Returns the ratio of each round to the floor of the same round, since the machine's load drifts."""
    return [one / other for one, other in zip(ours, floor, strict=True)]


def percentile(values: Sequence[float], percent: float) -> float:
    """Returns the smallest of the values that at least `percent` percent of them do not exceed."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)]

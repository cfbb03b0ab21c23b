"""The rows of the result: what was measured, in rounds, and whether its target is reached."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bench.statistics import Summary, ratios, summarize


@dataclass(frozen=True)
class Target:
    """The bound of a row's ratio or, if the row has no floor, of its figure."""

    bound: float
    at_least: bool = False

    def is_reached(self, value: float) -> bool:
        """Whether a value is within the bound."""
        return value >= self.bound if self.at_least else value <= self.bound


@dataclass(frozen=True)
class Row:
    """One measured thing.

    `ours` has a value for each round, in `unit`; `floor` has the values of a bare function in the same rounds, or none
    if the figure itself counts. `raw` has everything else that belongs in the JSON file. `failure`: why there are no
    values.
    """

    what: str
    unit: str = ""
    ours: list[float] = field(default_factory=list[float])
    floor: list[float] = field(default_factory=list[float])
    target: Target | None = None
    note: str = ""
    raw: Mapping[str, Any] = field(default_factory=dict[str, Any])
    failure: str | None = None

    @property
    def figures(self) -> list[float]:
        """The values that the target is about: the rounds' ratios, or the rounds' figures if there is no floor."""
        return ratios(self.ours, self.floor) if self.floor else self.ours

    @property
    def summary(self) -> Summary | None:
        """The summary of `figures`; None for a failed row."""
        return summarize(self.figures) if self.figures else None

    @property
    def reached(self) -> bool | None:
        """Whether the median reaches the target; None without a target or a value."""
        if self.target is None or self.summary is None:
            return None
        return self.target.is_reached(self.summary.median)

    def to_json(self) -> dict[str, Any]:
        """Returns everything about the row, including all samples."""
        summary = self.summary
        return {
            "what": self.what,
            "unit": self.unit,
            "figure": "ratio" if self.floor else "value",
            "median": summary and summary.median,
            "minimum": summary and summary.minimum,
            "maximum": summary and summary.maximum,
            "target": self.target and {"bound": self.target.bound, "at_least": self.target.at_least},
            "reached": self.reached,
            "note": self.note,
            "failure": self.failure,
            "samples": {"ours": self.ours, "floor": self.floor},
            "raw": dict(self.raw),
        }

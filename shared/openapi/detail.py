"""The levels of detail at which the docs show each operation, from everything to only its line.

Details that a model hardly needs to write a call are dropped first: responses, then deeply nested fields, then
prose, then optional parameters. Required values are dropped last. Each step applies to all operations.
"""

from dataclasses import dataclass, replace
from typing import Literal

from shared.openapi.sketch import Extent


@dataclass(frozen=True)
class Detail:
    """One level of detail. Numbers are limits in characters; 0 omits the part. `body` and `response`: None omits them.

    `head`: 3 shows everything about the API, 2 omits prose, 1 shows its title and addresses, 0 shows nothing.
    `parameters`: "typed" shows all with their types; "named" shows only the names of optional ones; "required" shows
    each operation as one line with its required values; "none" shows only the line of the operation.
    """

    head: Literal[0, 1, 2, 3]
    response: Extent | None
    body: Extent | None
    summary: int
    description: int
    parameters: Literal["typed", "named", "required", "none"]
    parameter_length: int
    error_length: int


_EVERYTHING = Detail(
    head=3,
    response=Extent(levels=4, length=6000, description_length=120),
    body=Extent(levels=5, length=6000, description_length=160, required=3),
    summary=200,
    description=800,
    parameters="typed",
    parameter_length=300,
    error_length=80,
)


def _build_ladder() -> list[Detail]:
    steps = [_EVERYTHING]

    def reduce_by(**changes: object) -> None:
        steps.append(replace(steps[-1], **changes))  # pyright: ignore[reportArgumentType]

    reduce_by(response=Extent(4, 4000, 60))
    reduce_by(response=Extent(3, 2500))
    reduce_by(response=Extent(2, 1500))
    reduce_by(response=Extent(1, 800))
    reduce_by(response=Extent(1, 300))
    reduce_by(response=Extent(0, 100))
    reduce_by(body=Extent(4, 3000, 100, required=3))
    reduce_by(body=Extent(3, 2000, 80, required=3))
    reduce_by(body=Extent(2, 1200, 60, required=3))
    reduce_by(body=Extent(1, 800, 40, required=3), error_length=40)
    reduce_by(description=300, parameter_length=120, error_length=0)
    reduce_by(description=120, parameter_length=60, head=2)
    reduce_by(description=0, parameter_length=30, summary=120, body=Extent(1, 500, required=3))
    reduce_by(parameter_length=0, summary=80, body=Extent(1, 300, required=3))
    reduce_by(parameters="named", response=None)
    reduce_by(summary=50, body=Extent(0, 150, required=3))
    reduce_by(parameters="required", summary=40)
    reduce_by(summary=0)
    reduce_by(body=Extent(0, 40, required=3))
    return steps


LADDER = _build_ladder()
"""The levels, from most to least detail. If the last one is too long, it applies only to as many operations as fit."""

LINES = tuple(
    Detail(head, None, None, 0, 0, "none", 0, 0)
    for head in (2, 1, 0)  # from most to least detail, like `LADDER`
)
"""Levels that show only the lines of operations, below heads of decreasing length."""

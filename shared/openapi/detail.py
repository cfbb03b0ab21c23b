"""The levels of detail at which the docs show each operation, from everything down to its bare line.

The details that a model needs least to write a call are dropped first: responses, then deeply nested fields, then
prose, then optional parameters. Required values are dropped last. Each step applies to all operations.
"""

from dataclasses import dataclass, replace
from typing import Literal

from shared.openapi.sketch import Extent


@dataclass(frozen=True)
class Detail:
    """One step. Numbers are limits in characters, 0 for none. `body` or `response` None: it is not shown.

    `head`: 3 shows everything about the API, 2 omits prose, 1 shows its title and addresses, 0 shows nothing.
    `parameters`: "typed" shows all with their types; "named" shows optional ones by name only; "required" shows each
    operation as one line with its required values; "none" shows the bare line.
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

    def less(**changes: object) -> None:
        steps.append(replace(steps[-1], **changes))  # pyright: ignore[reportArgumentType]

    less(response=Extent(4, 4000, 60))
    less(response=Extent(3, 2500))
    less(response=Extent(2, 1500))
    less(response=Extent(1, 800))
    less(response=Extent(1, 300))
    less(response=Extent(0, 100))
    less(body=Extent(4, 3000, 100, required=3))
    less(body=Extent(3, 2000, 80, required=3))
    less(body=Extent(2, 1200, 60, required=3))
    less(body=Extent(1, 800, 40, required=3), error_length=40)
    less(description=300, parameter_length=120, error_length=0)
    less(description=120, parameter_length=60, head=2)
    less(description=0, parameter_length=30, summary=120, body=Extent(1, 500, required=3))
    less(parameter_length=0, summary=80, body=Extent(1, 300, required=3))
    less(parameters="named", response=None)
    less(summary=50, body=Extent(0, 150, required=3))
    less(parameters="required", summary=40)
    less(summary=0)
    less(body=Extent(0, 40, required=3))
    return steps


LADDER = _build_ladder()
"""From most to least detail. If the last step is too long, only as many operations as fit get it."""

LINES = tuple(
    Detail(head, None, None, 0, 0, "none", 0, 0)
    for head in (2, 1, 0)  # from most to least detail, like `LADDER`
)
"""Steps that show only bare lines, below heads of decreasing length."""

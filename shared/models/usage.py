"""A usage entry as it is stored: the cost, its cause, and the amount that was charged."""

from pydantic import AwareDatetime

from shared.models.wire import JsonObject, SnakeModel


class Entry(SnakeModel):
    """A usage entry. `cause`: the entry's id, derived from its cause, so that each cause is charged once.

    `dollars`: the exact cost; None in older entries, which did not record it. `cost` and `charged` are whole millionths
    of a dollar: the amount that became due, and the part of it that the account could pay. The rest is owed.
    """

    cause: str
    period: int
    timestamp: AwareDatetime
    dollars: float | None = None
    cost: int
    charged: int
    metadata: JsonObject = {}

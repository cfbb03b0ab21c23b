"""A usage entry as it is stored: what was spent, by what cause, and how much of it was charged."""

from pydantic import AwareDatetime

from shared.models.wire import JsonObject, SnakeModel


class Entry(SnakeModel):
    """`cause`: the entry's id, made from what caused it, so that the same cause is charged once.

    `dollars`: what it cost, however little; None in entries from before that was kept. `cost` and `charged` are whole
    millionths of a dollar: what became due with it, and what of that the account could pay; the rest is owed.
    """

    cause: str
    period: int
    timestamp: AwareDatetime
    dollars: float | None = None
    cost: int
    charged: int
    metadata: JsonObject = {}

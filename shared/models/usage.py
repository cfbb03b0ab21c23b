"""A usage entry as it is stored: what was spent, by what cause, and how much of it was charged."""

from pydantic import AwareDatetime

from shared.models.wire import JsonObject, SnakeModel


class Entry(SnakeModel):
    """`cause`: the entry's id, made from what caused it, so that the same cause is charged once.

    `cost` and `charged` are millionths of a dollar; they differ when the account had less left than the cost.
    """

    cause: str
    period: int
    timestamp: AwareDatetime
    cost: int
    charged: int
    metadata: JsonObject = {}

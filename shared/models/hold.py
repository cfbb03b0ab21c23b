"""A hold: what a call of a model that is running may still cost its payer."""

from pydantic import AwareDatetime

from shared.models.wire import JsonObject, SnakeModel


class Hold(SnakeModel):
    """`id` is also the cause under which the call is charged, so that it is charged once.

    `amount` is in millionths of a dollar. `expires_at`: when nobody can be waiting for the call any more.
    `deployment_day`: the day of a deployment's budget that the amount is held of, too, if it is. `left`: that nobody
    waits for the call any more, though its provider bills it; and what its usage entry is to say should its process
    never come back to settle it.
    """

    id: str
    owner: str
    amount: int
    expires_at: AwareDatetime
    deployment_day: str | None = None
    left: JsonObject | None = None

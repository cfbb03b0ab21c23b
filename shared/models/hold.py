"""A hold: what a running model call may still cost its payer."""

from pydantic import AwareDatetime

from shared.models.wire import JsonObject, SnakeModel


class Hold(SnakeModel):
    """A hold on the account of `owner`, who is charged. `id` is also the cause of the charge, so that it happens once.

    `amount` is in millionths of a dollar. `expires_at`: when no caller can still be waiting for
    the call. `deployment_day`: the day of a deployment's budget on which the amount is held as well, if any. `left`:
    set when the caller has left although the provider bills the call; holds what the usage entry should say if the
    process never settles it.
    """

    id: str
    owner: str
    amount: int
    expires_at: AwareDatetime
    deployment_day: str | None = None
    left: JsonObject | None = None

"""A hold: the amount set aside for a running model call."""

from pydantic import AwareDatetime

from shared.models.wire import JsonObject, SnakeModel


class Hold(SnakeModel):
    """A hold on the account of `owner`, who is charged. `id` also identifies the charge, so that it happens once.

    `amount` is in millionths of a dollar. `expires_at`: the time by which every caller has stopped waiting for the
    call. `deployment_day`: the day of a deployment's budget that also holds the amount, if any. `key_period`: the same
    for an API key's budget. `left`: set if the caller has left although the provider bills the call. It contains the
    metadata of the usage entry, in case the process never settles the hold.
    """

    id: str
    owner: str
    amount: int
    expires_at: AwareDatetime
    deployment_day: str | None = None
    key_period: str | None = None
    left: JsonObject | None = None

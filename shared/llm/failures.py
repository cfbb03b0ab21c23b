"""A call of a model that failed, sorted by who must act: the queue (try again), or the user (read the sentence)."""

from shared.models.chat import Usage


class ModelFailure(Exception):
    """A call that failed. `message` is for the user and holds no secret.

    `transient`: the same call may succeed later. `retry_after`: seconds that the provider asked to wait, if it did.
    `cost`, in US dollars, and `usage`: what the provider bills for the call all the same, estimated where it does not
    say; 0 for a call that it refused, or that never reached it.
    """

    def __init__(
        self,
        message: str,
        *,
        transient: bool,
        retry_after: int | None = None,
        cost: float = 0.0,
        usage: Usage | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.transient = transient
        self.retry_after = retry_after
        self.cost = cost
        self.usage = usage

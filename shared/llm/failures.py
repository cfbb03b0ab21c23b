"""A call of a model that failed, sorted by who must act: the queue (try again), or the user (read the sentence)."""

from shared.models.chat import Usage


class ModelFailure(Exception):
    """A call that failed. `message` is for the user and holds no secret.

    `transient`: the same call may succeed later. `retry_after`: seconds that the provider asked to wait, if it did.
    `cost`: US dollars that the provider bills all the same, estimated where it does not say; 0 when it refused the
    request with an error status or was never reached. `usage`: the tokens behind it, None where nothing was billed.
    """

    def __init__(
        self,
        message: str,
        *,
        transient: bool,
        retry_after: int | None = None,
        usage: Usage | None = None,
        cost: float = 0.0,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.transient = transient
        self.retry_after = retry_after
        self.usage = usage
        self.cost = cost

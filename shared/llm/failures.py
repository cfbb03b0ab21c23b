"""A failed model call. `transient` decides who has to act: the queue, which tries again, or the user."""

from shared.models.chat import Usage


class ModelFailure(Exception):
    """A failed call. `message` is for the user and contains no secret.

    `transient`: whether the same call may succeed later. `retry_after`: the wait in seconds that the provider asked
    for, if any. `cost`: US dollars that the provider bills despite the failure, estimated unless it reports them; 0 if
    it refused the request with an error status or was not reached. `usage`: the billed tokens, None if there are none.
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

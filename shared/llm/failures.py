"""The failure of a model call. `transient` determines whether the queue tries again or the user has to act."""

from shared.models.chat import Usage


class ModelFailure(Exception):
    """A call failed. `message` is for the user and contains no secrets.

    `transient`: whether the same call may succeed later. `retry_after`: the delay in seconds that the provider
    requested, if any. `cost`: US dollars that the provider bills despite the failure, estimated unless it reports them;
    0 if the provider refused the request with an error status or was not reached. `usage`: the billed tokens, None if
    there are none.
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

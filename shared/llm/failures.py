"""A call of a model that failed, sorted by who must act: the queue (try again), or the user (read the sentence)."""


class ModelFailure(Exception):
    """A call that failed. `message` is for the user and holds no secret.

    `transient`: the same call may succeed later. `retry_after`: seconds that the provider asked to wait, if it did.
    """

    def __init__(self, message: str, *, transient: bool, retry_after: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.transient = transient
        self.retry_after = retry_after

"""The error of staging, with a message for the person who runs it."""


class StagingFailed(Exception):
    """Staging failed. `what` is one sentence without its full stop, and `remedy` tells the user what to do about it."""

    def __init__(self, what: str, remedy: str) -> None:
        super().__init__(f"{what}. {remedy}")
        self.what = what
        self.remedy = remedy

"""The error that staging raises, with a message for the person who runs it."""


class StagingFailed(Exception):
    """Staging failed. `what` is one sentence without its full stop, and `remedy` says how to solve it."""

    def __init__(self, what: str, remedy: str) -> None:
        super().__init__(f"{what}. {remedy}")
        self.what = what
        self.remedy = remedy

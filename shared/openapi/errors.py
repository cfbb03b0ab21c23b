"""What can be wrong with a text that should be an API description, in a sentence for whoever chose it."""


class NotASpec(ValueError):
    """`message` says what the text is instead. It may quote a few words of it, on one line."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message

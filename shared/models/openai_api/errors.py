"""Errors of the OpenAI-compatible endpoints, with the fields that OpenAI's clients read.

`param`: the field of the request that is at fault. `code`: a name for programs. `is_final`: whether clients should not
send the request again by themselves, because a worker has already tried again, or because the answer was charged.
"""

from shared.models.errors import BadRequest, NotFound, UpstreamFailed, UpstreamTooSlow


class InvalidRequest(BadRequest):
    """The request asks for something that does not exist here, or that cannot be served."""

    def __init__(self, message: str, param: str | None = None, code: str | None = None) -> None:
        super().__init__(message)
        self.param = param
        self.code = code


class UnsupportedParameter(InvalidRequest):
    """The request has a field, or a value of a field, that is not supported."""

    def __init__(self, param: str, hint: str = "") -> None:
        super().__init__(f"{param[:200]!r} is not supported here.{hint}", param[:200], "unsupported_parameter")


class ModelNotFound(NotFound):
    """There is no such model, or the caller may not see it."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.param = "model"
        self.code = "model_not_found"


class ResponseNotFound(NotFound):
    """There is no such response, or it is somebody else's, or it was not to be stored."""

    def __init__(self, response_id: str, param: str = "response_id") -> None:
        super().__init__(f"There is no response with the id {response_id[:100]!r}.")
        self.param = param
        self.code = "response_not_found"


class ItemNotFound(NotFound):
    """There is no such item of a response, or it is somebody else's."""

    def __init__(self, item_id: str, param: str) -> None:
        super().__init__(f"There is no item with the id {item_id[:100]!r}.")
        self.param = param
        self.code = "item_not_found"


class AnswerFailed(UpstreamFailed):
    """The model or the agent failed, after as many attempts as make sense."""

    code = "server_error"
    is_final = True


class AnswerTooSlow(UpstreamTooSlow):
    """The answer takes longer than a request may wait."""

    code = "timeout"
    is_final = True

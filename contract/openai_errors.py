"""Describes errors in OpenAI's form: each status has a response, with an example that the renderer has written."""

import json
from typing import Any

from pydantic import BaseModel

from shared.models.errors import (
    AllowanceSpent,
    Conflict,
    Forbidden,
    ServiceError,
    TooLarge,
    TooManyRequests,
    Unauthenticated,
    Unavailable,
)
from shared.models.openai_api.errors import AnswerFailed, AnswerTooSlow, ModelNotFound, UnsupportedParameter
from shared.web.errors import Failure, describe
from shared.web.openai_api import render_openai_error


class OpenAiErrorFields(BaseModel):
    """What went wrong. `code`: a name for programs. `param`: the field of the request that is at fault."""

    message: str
    type: str
    param: str | None
    code: str | None


class OpenAiError(BaseModel):
    """An error in OpenAI's form."""

    error: OpenAiErrorFields


_REQUEST = "1f0b6f0d-5d0b-4c56-8f5e-6f7f3f1c2a10"
_EXAMPLES: dict[int, tuple[str, ServiceError]] = {
    400: ("The request is invalid, or has a field that is not supported.", UnsupportedParameter("logprobs")),
    401: ("The key or token is missing or invalid.", Unauthenticated("This API key is not valid.")),
    402: (
        "The allowance, or the key's budget, does not cover the request.",
        AllowanceSpent("Your allowance is used up. Wait for its next refill, or ask for a higher one."),
    ),
    403: ("The caller may not do this.", Forbidden("This API key needs the scope 'chat'. Create a key that has it.")),
    404: ("There is no such model or response.", ModelNotFound("OpenAI has no model 'gpt-nothing' in the catalog.")),
    409: ("The response has not ended, or the `Idempotency-Key` was used for another request.", Conflict("Not yet.")),
    413: ("The body is too large.", TooLarge("The request body has at least 3000000 bytes. Send less.")),
    429: ("Too many requests.", TooManyRequests("Too many requests. Try again in 7 s.", retry_after=7)),
    502: ("The model or the agent failed.", AnswerFailed("OpenAI failed. Send the chat again later.")),
    503: ("The request was not accepted, and may be sent again.", Unavailable("Try again.", retry_after=5)),
    504: ("The answer takes too long for a request that waits for it.", AnswerTooSlow("Stream the answer.")),
}
_HEADERS: dict[str, tuple[str, str]] = {
    "retry-after": ("How many seconds to wait.", "integer"),
    "www-authenticate": ("`Bearer`.", "string"),
    "x-should-retry": ("`false` if another attempt would not help. OpenAI's clients heed it.", "string"),
}


def responses() -> dict[str, Any]:
    """Returns the responses by the names that `openai_errors` refers to, for `components.responses`."""
    fault = Failure(500, f"Something went wrong on our side. Report it with this id: {_REQUEST}.")
    failures = {status: (text, describe(error)) for status, (text, error) in _EXAMPLES.items()}
    failures[500] = "An internal error of the service.", fault
    return {f"OpenAiError{status}": _describe(text, failure) for status, (text, failure) in sorted(failures.items())}


def _describe(text: str, failure: Failure) -> dict[str, Any]:
    response = render_openai_error(failure)
    schema = {"$ref": "#/components/schemas/OpenAiError"}
    headers = {
        "-".join(part.capitalize() for part in name.split("-")): {"description": about, "schema": {"type": kind}}
        for name, (about, kind) in _HEADERS.items()
        if name in response.headers
    }
    content = {"application/json": {"schema": schema, "example": json.loads(bytes(response.body))}}
    return {"description": text, "content": content} | ({"headers": headers} if headers else {})


def schemas() -> dict[str, Any]:
    """Returns the schemas of the bodies, for `components.schemas`."""
    schema = OpenAiError.model_json_schema(ref_template="#/components/schemas/{model}", mode="serialization")
    return schema.pop("$defs") | {"OpenAiError": schema}

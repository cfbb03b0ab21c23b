"""What the requests to both endpoints have in common: how unknown fields are treated, and some fields."""

from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import BeforeValidator, ConfigDict, Field, StringConstraints, model_validator

from shared.models.openai_api.errors import ModelNotFound, UnsupportedParameter
from shared.models.wire import JsonObject, SnakeModel, empty_for_null

MAX_MESSAGES = 2_000
"""The maximum number of messages or items in a request."""
MAX_TOOLS = 128
MAX_METADATA = 16
Metadata = Annotated[
    dict[Annotated[str, StringConstraints(max_length=64)], Annotated[str, StringConstraints(max_length=512)]],
    Field(max_length=MAX_METADATA),
    BeforeValidator(empty_for_null(dict)),
]
"""OpenAI's limits: https://platform.openai.com/docs/api-reference/responses/create#responses-create-metadata."""
ReasoningEffort = Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"]
Verbosity = Literal["low", "medium", "high"]


class WireModel(SnakeModel):
    """A part of a request. A field that it does not have is refused, unless its value has no effect.

    Null has no effect, nor have the values in `NEUTRAL`, which clients send without being asked to. `IGNORED`: fields
    that clients add to what they send back.
    """

    model_config = ConfigDict(extra="allow")

    NEUTRAL: ClassVar[dict[str, tuple[Any, ...]]] = {}
    IGNORED: ClassVar[frozenset[str]] = frozenset()

    @model_validator(mode="after")
    def _refuse_unsupported(self) -> Self:
        if extra := self.extra_fields():
            raise UnsupportedParameter(next(iter(extra)))
        return self

    def extra_fields(self) -> dict[str, Any]:
        """Returns the fields that are not part of the model and have an effect."""
        return {
            name: value
            for name, value in (self.model_extra or {}).items()
            if value is not None and name not in self.IGNORED and value not in self.NEUTRAL.get(name, ())
        }


class StreamOptions(WireModel):
    """`include_obfuscation` is ignored: nothing is added to hide the lengths of the pieces."""

    include_usage: bool | None = None
    include_obfuscation: bool | None = None


class CommonFields(WireModel):
    """The fields of requests to both endpoints. Fields with the names of the model's own parameters are accepted, too.

    `user`, `safety_identifier` and what begins with `prompt_cache_` are not sent to the provider.
    `agent_input`: with an agent, what its input has besides `inputText`.
    """

    model: str = Field(min_length=1, max_length=300)
    stream: Annotated[bool, BeforeValidator(empty_for_null(bool))] = False
    stream_options: StreamOptions | None = None
    temperature: float | None = None
    top_p: float | None = None
    parallel_tool_calls: bool | None = None
    metadata: Metadata = {}
    user: str | None = None
    safety_identifier: str | None = None
    prompt_cache_key: str | None = None
    prompt_cache_retention: str | None = None
    prompt_cache_options: JsonObject | None = None
    service_tier: Literal["auto", "default"] | None = None
    agent_input: JsonObject | None = None

    @model_validator(mode="after")
    def _refuse_unsupported(self) -> Self:
        """Leaves this to the service, which knows the model's own parameters."""
        return self

    def split_model(self) -> tuple[str, str]:
        """Returns the provider and its model. Raises `ModelNotFound` for a name that no model has."""
        provider, slash, model = self.model.partition("/")
        if not (provider and slash and model):
            raise ModelNotFound(
                f"There is no model {self.model[:100]!r}: names have the form provider/model, such as "
                "openai/gpt-4.1-mini. GET /v1/models lists all of them."
            )
        return provider, model

"""The request body of `POST /v1/chat/completions`."""

from typing import Annotated, Any, ClassVar, Literal

from pydantic import ConfigDict, FailFast, Field

from shared.models.openai_api.fields import (
    MAX_MESSAGES,
    MAX_TOOLS,
    CommonFields,
    ReasoningEffort,
    Verbosity,
    WireModel,
)
from shared.models.wire import JsonObject


class CalledFunction(WireModel):
    """A function that a model has called. `arguments`: JSON, as the model wrote it."""

    IGNORED: ClassVar[frozenset[str]] = frozenset({"parsed_arguments"})

    name: str
    arguments: str


class ChatToolCall(WireModel):
    """A call in a message of the assistant. `index` is what a streamed call has, and is ignored."""

    NEUTRAL: ClassVar[dict[str, tuple[Any, ...]]] = {"index": tuple(range(128))}
    IGNORED: ClassVar[frozenset[str]] = frozenset({"provider_specific_fields", "extra_content"})

    id: str
    type: Literal["function"] = "function"
    function: CalledFunction


class ChatMessage(WireModel):
    """A message. `name`, `reasoning_content` and `annotations` are ignored: not all providers have them."""

    IGNORED: ClassVar[frozenset[str]] = frozenset(
        {
            "reasoning",
            "reasoning_details",
            "thinking_blocks",
            "provider_specific_fields",
            "parsed",
            "cache_control",
        }
    )

    role: Literal["developer", "system", "user", "assistant", "tool"]
    content: str | list[JsonObject] | None = None
    name: str | None = None
    tool_calls: list[ChatToolCall] | None = None
    tool_call_id: str | None = None
    refusal: str | None = None
    reasoning_content: str | None = None
    annotations: list[JsonObject] | None = None


class ChatCompletionRequest(CommonFields):
    """The request body of `POST /v1/chat/completions`, as OpenAI documents it, with the differences in
    docs/reference/openai.md. `model`: `provider/model`, or `gofannon/` and the name of a deployed agent.

    `store` and `prediction` are ignored: all requests are stored, and a prediction only makes OpenAI's models faster.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "model": "local/smollm2-135m-instruct",
                    "messages": [{"role": "user", "content": "What is the capital of Germany?"}],
                    "temperature": 0,
                }
            ]
        }
    )

    NEUTRAL: ClassVar[dict[str, tuple[Any, ...]]] = {
        "n": (1,),
        "logprobs": (False,),
        "top_logprobs": (0,),
        "modalities": (["text"],),
        "presence_penalty": (0,),
        "frequency_penalty": (0,),
        "logit_bias": ({},),
        "functions": ([],),
    }

    messages: Annotated[list[ChatMessage], FailFast(), Field(min_length=1, max_length=MAX_MESSAGES)]
    max_tokens: int | None = None
    max_completion_tokens: int | None = None
    stop: str | list[str] | None = None
    seed: int | None = None
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    reasoning_effort: ReasoningEffort | None = None
    verbosity: Verbosity | None = None
    response_format: JsonObject | None = None
    tools: Annotated[list[JsonObject] | None, Field(max_length=MAX_TOOLS)] = None
    tool_choice: str | JsonObject | None = None
    store: bool | None = None
    prediction: JsonObject | None = None

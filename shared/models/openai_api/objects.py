"""What the endpoints return, for the OpenAPI document. `shared.services.openai_api` writes it."""

from typing import Literal

from pydantic import ConfigDict

from shared.models.wire import JsonObject, SnakeModel, with_example


class OpenAiModel(SnakeModel):
    """A model, or a deployed agent. `id`: `provider/model`. `created` is 0, because it is not known."""

    model_config = with_example(id="local/smollm2-135m-instruct", object="model", created=0, owned_by="local")

    id: str
    object: Literal["model"] = "model"
    created: int = 0
    owned_by: str


class OpenAiModelList(SnakeModel):
    """All models that the caller can call."""

    model_config = with_example(
        object="list",
        data=[{"id": "local/smollm2-135m-instruct", "object": "model", "created": 0, "owned_by": "local"}],
    )

    object: Literal["list"] = "list"
    data: list[OpenAiModel]


class PromptTokensDetails(SnakeModel):
    """Prompt tokens that the provider read from its cache, and those that it wrote there."""

    cached_tokens: int
    cache_write_tokens: int


class CompletionTokensDetails(SnakeModel):
    """Completion tokens of the model's thoughts."""

    reasoning_tokens: int


class CompletionUsage(SnakeModel):
    """Tokens, as the provider counted them."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int
    prompt_tokens_details: PromptTokensDetails
    completion_tokens_details: CompletionTokensDetails


_ID = "0b6f0d0e5d0b4c568f5e6f7f3f1c2a10"
_ANSWER = "The capital of Germany is Berlin."


class CompletionMessage(SnakeModel):
    """The answer. `reasoning_content` and `tool_calls` are missing if there are none."""

    role: Literal["assistant"]
    content: str | None
    refusal: str | None
    annotations: list[JsonObject]
    reasoning_content: str | None = None
    tool_calls: list[JsonObject] | None = None

    model_config = ConfigDict(json_schema_serialization_defaults_required=False)


class CompletionChoice(SnakeModel):
    """The only choice."""

    index: int
    message: CompletionMessage
    logprobs: None
    finish_reason: Literal["stop", "length", "tool_calls", "content_filter"]


class ChatCompletion(SnakeModel):
    """The response of `POST /v1/chat/completions`, as OpenAI documents it."""

    model_config = with_example(
        id=f"chatcmpl-{_ID}",
        object="chat.completion",
        created=1795500000,
        model="local/smollm2-135m-instruct",
        choices=[
            {
                "index": 0,
                "message": {"role": "assistant", "content": _ANSWER, "refusal": None, "annotations": []},
                "logprobs": None,
                "finish_reason": "stop",
            }
        ],
        usage={
            "prompt_tokens": 37,
            "completion_tokens": 8,
            "total_tokens": 45,
            "prompt_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
            "completion_tokens_details": {"reasoning_tokens": 0},
        },
        service_tier="default",
    )

    id: str
    object: Literal["chat.completion"]
    created: int
    model: str
    choices: list[CompletionChoice]
    usage: CompletionUsage
    service_tier: str


class OpenAiResponse(SnakeModel):
    """A response, as OpenAI documents it, with the items of its `output`. It repeats the fields of its request.

    `usage` is missing until it is known.
    """

    model_config = with_example(
        id=f"resp_{_ID}",
        object="response",
        created_at=1795500000,
        completed_at=1795500002,
        status="completed",
        background=False,
        model="local/smollm2-135m-instruct",
        error=None,
        incomplete_details=None,
        output=[
            {
                "id": f"msg_{_ID}",
                "type": "message",
                "status": "completed",
                "role": "assistant",
                "content": [{"type": "output_text", "text": _ANSWER, "annotations": []}],
            }
        ],
        usage={"input_tokens": 37, "output_tokens": 8, "total_tokens": 45},
        previous_response_id=None,
        metadata={},
    ) | ConfigDict(json_schema_serialization_defaults_required=False)

    id: str
    object: Literal["response"]
    created_at: int
    completed_at: int | None
    status: Literal["queued", "in_progress", "completed", "incomplete", "failed", "cancelled"]
    background: bool
    model: str
    error: JsonObject | None
    incomplete_details: JsonObject | None
    output: list[JsonObject]
    usage: JsonObject | None = None
    previous_response_id: str | None
    metadata: dict[str, str]


class InputItems(SnakeModel):
    """A page of the items of a response's input."""

    model_config = with_example(
        object="list",
        data=[
            {
                "id": "msg_1",
                "type": "message",
                "role": "user",
                "content": [{"type": "input_text", "text": "What is the capital of Germany?"}],
            }
        ],
        first_id="msg_1",
        last_id="msg_1",
        has_more=False,
    )

    object: Literal["list"] = "list"
    data: list[JsonObject]
    first_id: str
    last_id: str
    has_more: bool


class DeletedResponse(SnakeModel):
    """The response of `DELETE /v1/responses/{response_id}`."""

    model_config = with_example(id="resp_0b6f0d0e5d0b4c568f5e6f7f3f1c2a10", object="response", deleted=True)

    id: str
    object: Literal["response"] = "response"
    deleted: Literal[True] = True

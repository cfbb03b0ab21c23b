"""The request body of `POST /v1/responses`."""

from typing import Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator, ConfigDict, Field

from shared.models.openai_api.fields import (
    MAX_MESSAGES,
    MAX_TOOLS,
    CommonFields,
    ReasoningEffort,
    Verbosity,
    WireModel,
)
from shared.models.wire import JsonObject, empty_for_null

Included = Literal[
    "reasoning.encrypted_content",
    "web_search_call.action.sources",
    "web_search_call.results",
    "code_interpreter_call.outputs",
    "file_search_call.results",
    "computer_call_output.output.image_url",
    "message.input_image.image_url",
]
"""What may be included: parts of items that no response has. The sources of a search are annotations."""


class ReasoningOptions(WireModel):
    """`summary` is ignored: what the provider shows of the model's thoughts is always returned. `context` is, too: the
    thoughts of earlier responses are left out."""

    NEUTRAL: ClassVar[dict[str, tuple[Any, ...]]] = {"mode": ("standard",)}

    effort: ReasoningEffort | None = None
    summary: Literal["auto", "concise", "detailed"] | None = None
    generate_summary: Literal["auto", "concise", "detailed"] | None = None
    context: Literal["auto", "current_turn", "all_turns"] | None = None


class TextOptions(WireModel):
    """The form of the answer. `format`: text, JSON, or JSON of a schema."""

    format: JsonObject | None = None
    verbosity: Verbosity | None = None


class ResponseRequest(CommonFields):
    """The request body of `POST /v1/responses`, as OpenAI documents it, with the differences in
    docs/reference/openai.md. `model`: `provider/model`, or `gofannon/` and the name of a deployed agent.

    `truncation` and `include` have no effect. `client_metadata`, which Codex sends, is ignored.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "model": "local/smollm2-135m-instruct",
                    "input": "What is the capital of Germany?",
                    "instructions": "Answer briefly.",
                    "background": False,
                }
            ]
        }
    )

    NEUTRAL: ClassVar[dict[str, tuple[Any, ...]]] = {"top_logprobs": (0,)}

    input: str | Annotated[list[JsonObject], Field(min_length=1, max_length=MAX_MESSAGES)]
    instructions: str | None = None
    tools: Annotated[list[JsonObject] | None, Field(max_length=MAX_TOOLS)] = None
    tool_choice: str | JsonObject | None = None
    text: TextOptions | None = None
    reasoning: ReasoningOptions | None = None
    max_output_tokens: int | None = None
    previous_response_id: str | None = None
    background: Annotated[bool, BeforeValidator(empty_for_null(bool))] = False
    store: bool | None = None
    truncation: Literal["auto", "disabled"] | None = None
    include: list[Included] | None = None
    client_metadata: JsonObject | None = None

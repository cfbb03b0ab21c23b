"""Calls of models with functions: conversations in which a model calls functions, and gets their results.

They are what the OpenAI-compatible endpoints store with a ticket. The route `POST /chat` accepts no functions.
"""

from typing import Annotated, Literal

from pydantic import BeforeValidator, FailFast, Field, StringConstraints

from shared.models.chat import ChatRequest, MessageContent, refuse_too_many
from shared.models.wire import JsonObject, SnakeModel

FunctionName = Annotated[str, StringConstraints(pattern=r"^[a-zA-Z0-9_-]{1,64}$")]
"""A name that all providers accept."""
MAX_FUNCTIONS = 128
"""The maximum number of functions of a request. OpenAI accepts no more:
https://platform.openai.com/docs/api-reference/chat/create"""


class FunctionTool(SnakeModel):
    """A function that the model may ask its caller to call. `parameters`: a JSON schema of its arguments.

    `strict`: whether the provider makes the arguments follow the schema; None means the provider's default.
    """

    name: FunctionName
    description: str | None = None
    parameters: JsonObject | None = None
    strict: bool | None = None


class ToolCall(SnakeModel):
    """A model's call of a function. `arguments`: JSON, as the model wrote it."""

    id: str = Field(min_length=1)
    name: FunctionName
    arguments: str


class ConversationMessage(SnakeModel):
    """A message of a conversation with functions.

    `tool_calls`: the calls in a message of the assistant. A message of the role `tool` is the result of the call
    `tool_call_id` in the assistant's message before it.
    """

    role: Literal["user", "assistant", "system", "tool"]
    content: Annotated[MessageContent, BeforeValidator(lambda content: "" if content is None else content)] = ""
    tool_calls: list[ToolCall] = []
    tool_call_id: str | None = None


class CompletionRequest(ChatRequest):
    """A call of a model by one of the OpenAI-compatible endpoints.

    `tool_choice`: "function:" and a name for a certain function. `echo`: what the endpoint needs to describe the
    request again. It is never sent to a model.
    """

    messages: Annotated[list[ConversationMessage], FailFast(), Field(min_length=1), BeforeValidator(refuse_too_many)]  # pyright: ignore[reportIncompatibleVariableOverride] - all readers of messages accept both
    functions: Annotated[list[FunctionTool], FailFast(), Field(max_length=MAX_FUNCTIONS)] = []
    tool_choice: str | None = Field(default=None, pattern=r"^(auto|none|required|function:[a-zA-Z0-9_-]{1,64})$")
    parallel_tool_calls: bool | None = None
    echo: JsonObject = {}

"""A session: the model that a frontend's conversation uses."""

from datetime import datetime

from pydantic import Field

from shared.models.wire import REQUEST_AND_RESPONSE, CamelModel, OptionalJsonObject, SnakeModel, with_example


class ProviderConfig(CamelModel):
    """A model and the parameters to call it with."""

    model_config = REQUEST_AND_RESPONSE | with_example(
        provider="openai", model="gpt-4.1-mini", parameters={"temperature": 0.2}, builtInTool=None
    )

    provider: str = Field(min_length=1, max_length=200)
    model: str = Field(min_length=1, max_length=500)
    parameters: OptionalJsonObject = {}
    built_in_tool: str | None = Field(default=None, max_length=200)


class Session(SnakeModel):
    """A stored session. `expire_at`: the time at which it ends unless it is used before then."""

    session_id: str
    config: ProviderConfig
    expire_at: datetime


class SessionConfigured(SnakeModel):
    """The response after a session's model has been set."""

    model_config = with_example(message="Configuration updated", session_id="conversation-7")

    message: str = "Configuration updated"
    session_id: str


class SessionDeleted(SnakeModel):
    """The response after a session has been deleted."""

    model_config = with_example(message="Session deleted")

    message: str = "Session deleted"

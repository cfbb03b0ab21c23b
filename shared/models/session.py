"""A session: which model a frontend's conversation is set to."""

from datetime import datetime

from pydantic import Field

from shared.models.wire import CamelModel, OptionalJsonObject, SnakeModel


class ProviderConfig(CamelModel):
    """A model and how to call it."""

    provider: str = Field(min_length=1, max_length=200)
    model: str = Field(min_length=1, max_length=500)
    parameters: OptionalJsonObject = {}
    built_in_tool: str | None = Field(default=None, max_length=200)


class Session(SnakeModel):
    """`expire_at`: when it ends, unless it is used before."""

    session_id: str
    config: ProviderConfig
    expire_at: datetime


class SessionConfigured(SnakeModel):
    message: str = "Configuration updated"
    session_id: str


class SessionDeleted(SnakeModel):
    message: str = "Session deleted"

"""API keys: what a program sends instead of an ID token, to act for the user who created the key."""

from enum import StrEnum

from pydantic import AwareDatetime

from shared.models.wire import SnakeModel


class Scope(StrEnum):
    """What a key opens. No key manages keys, or opens the admin panel."""

    CHAT = "chat"
    """Chats, sessions and models, also through the OpenAI-compatible endpoints."""
    RUN = "run"
    """Runs of agents in every way: runs, schedules and webhooks, deployed agents, and the MCP server."""
    AGENTS = "agents"
    """Saving, writing, testing and deploying agents, demos, and the tools and documents that they use."""
    ACCOUNT = "account"
    """The user's own profile, allowance and usage."""


class BudgetPeriod(StrEnum):
    """The period in UTC after which a key's budget is full again."""

    DAY = "day"
    MONTH = "month"


class ApiKey(SnakeModel):
    """A key as it is stored. The key itself is not: `digest` is its SHA-256 digest, in hexadecimal.

    `id`: part of the key, and not secret. `budget`: millionths of a dollar that the key may spend in a `period`, None
    without a limit. `last_used_at`: to the minute.
    """

    id: str
    owner: str
    name: str
    digest: str
    scopes: list[Scope]
    budget: int | None = None
    period: BudgetPeriod = BudgetPeriod.MONTH
    expires_at: AwareDatetime | None = None
    created_at: AwareDatetime
    last_used_at: AwareDatetime | None = None

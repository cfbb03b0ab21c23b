"""API keys: what a program sends instead of an ID token, to act for the user who created the key.

A key is stored as its digest only. It is shown once, in the response to its creation.
"""

from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Any

from pydantic import AfterValidator, AwareDatetime, ConfigDict, Field, FutureDatetime, StringConstraints

from shared.models.key_period import RETENTION, KeyPeriod, Period, period_id
from shared.models.money import to_micros
from shared.models.wire import CamelModel, SnakeModel, with_example
from shared.settings import MAX_KEY_BUDGET


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


class KeyUse(SnakeModel):
    """The key with which a caller acts, as far as it matters after its verification. It is stored with tickets."""

    id: str
    scopes: list[Scope] = list(Scope)
    period: Period = Period.MONTH

    def to_use(self) -> "KeyUse":
        """Returns what is stored with the things that the key has started."""
        return KeyUse(id=self.id, scopes=self.scopes, period=self.period)


class ApiKey(KeyUse):
    """A key as it is stored. `id`: part of the key, and not secret. `digest`: the key's SHA-256, in hexadecimal.

    `budget`: millionths of a dollar that the key may spend in a `period`, None without a limit. `last_used_at`: with a
    precision of a minute or so.
    """

    owner: str
    name: str
    digest: str = Field(repr=False)
    budget: int | None = None
    expires_at: AwareDatetime | None = None
    created_at: AwareDatetime
    last_used_at: AwareDatetime | None = None

    def is_expired(self, now: datetime) -> bool:
        """Whether the key no longer opens anything."""
        return self.expires_at is not None and self.expires_at <= now

    def open_period(self, now: datetime) -> KeyPeriod:
        """Returns the period that contains `now`, in which nothing has been spent yet."""
        return KeyPeriod(
            id=period_id(self.id, self.period, now),
            owner=self.owner,
            budget=self.budget,
            key_expires_at=self.expires_at,
            expire_at=self.period.end(now) + RETENTION,
        )


def _refuse_fractions_of_micros(dollars: float) -> float:
    if dollars and not to_micros(dollars):
        raise ValueError("the smallest amount but 0 is 0.000001")
    return dollars


class KeyBudget(CamelModel):
    """What a key may spend: `amount` US dollars in each `period`, a day or a month in UTC."""

    model_config = ConfigDict(extra="forbid")

    amount: Annotated[
        float,
        Field(strict=True, ge=0, le=MAX_KEY_BUDGET, allow_inf_nan=False),
        AfterValidator(_refuse_fractions_of_micros),
    ]
    period: Period


def _remove_duplicates(scopes: list[Scope]) -> list[Scope]:
    return list(dict.fromkeys(scopes))


def _to_utc(moment: datetime) -> datetime:
    try:
        return moment.astimezone(UTC)
    except OverflowError as error:
        raise ValueError("the time is too late") from error


KeyName = Annotated[str, StringConstraints(min_length=1, max_length=100, strip_whitespace=True)]
Scopes = Annotated[list[Scope], Field(min_length=1, max_length=20), AfterValidator(_remove_duplicates)]
_EXAMPLE: dict[str, Any] = {"name": "Laptop", "budget": {"amount": 5, "period": "month"}, "scopes": ["chat", "run"]}
_STORED_EXAMPLE: dict[str, Any] = {
    **_EXAMPLE,
    "_id": "4fGh7Jk2Lm9N",
    "prefix": "fba_4fGh7Jk2Lm9N",
    "spent": 1.25,
    "spentSince": "2026-11-01T00:00:00Z",
    "createdAt": "2026-11-24T06:00:00.120000Z",
    "expiresAt": None,
    "lastUsedAt": "2026-11-24T06:10:00Z",
}


class CreateKeyRequest(CamelModel):
    """The request body of `POST /users/me/keys`.

    `expiresAt`: when the key stops working, in the future; without it, it works until it is revoked. `budget`: without
    it, the key may spend all of the user's allowance. `scopes`: what the key opens; without it, everything that a key
    can open. Unknown fields are refused: a misspelled limit must not make a key without limits.
    """

    model_config = with_example(**_EXAMPLE) | ConfigDict(extra="forbid")

    name: KeyName
    expires_at: Annotated[FutureDatetime, AwareDatetime, AfterValidator(_to_utc)] | None = None
    budget: KeyBudget | None = None
    scopes: Scopes | None = None


class Key(CamelModel):
    """A key, without the key itself. `prefix`: how the key begins.

    `spent`: US dollars that were charged for its requests since `spentSince`, the beginning of the budget's period, or
    of the month without a budget.
    """

    model_config = with_example(**_STORED_EXAMPLE)

    id: str = Field(serialization_alias="_id")
    name: str
    prefix: str
    scopes: list[Scope]
    budget: KeyBudget | None
    spent: float
    spent_since: datetime
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None


class CreatedKey(Key):
    """The response of `POST /users/me/keys`. No other response contains `key`."""

    model_config = with_example(**_STORED_EXAMPLE, key="fba_4fGh7Jk2Lm9N8Pq3Rs6Tu1Vw5Xy0Za2Bc4De6Fg8Hi0Jk2Lm")

    key: str

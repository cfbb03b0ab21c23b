"""Users on the wire."""

from datetime import datetime
from typing import Annotated, Any

from pydantic import AfterValidator, Field, StringConstraints

from shared.models.account import Account
from shared.models.money import Dollars, to_dollars
from shared.models.wire import CamelModel, JsonObject, OptionalJsonObject, with_example

EARLIEST_RESET = 100_000_000_000
"""March 1973 in milliseconds. Dates in seconds are lower until the year 5138, so the two units can be distinguished."""


def _refuse_seconds(value: float) -> float:
    if 0 < value < EARLIEST_RESET:
        raise ValueError(
            f"The date must be in milliseconds since 1970: 0 for never, or at least {EARLIEST_RESET}. "
            f"If {value:.0f} is in seconds, send {value * 1000:.0f}."
        )
    return value


Milliseconds = Annotated[
    float,
    Field(
        strict=True,
        ge=0,
        le=253_402_300_799_999,
        allow_inf_nan=False,
        description=f"Epoch milliseconds: 0 for never, or at least {EARLIEST_RESET}. Fractions are dropped.",
    ),
    AfterValidator(_refuse_seconds),
]
"""Epoch milliseconds, up to the end of the year 9999; 0 means never."""
MAX_METADATA_BYTES = 16 * 1024
"""The maximum size of a usage entry's metadata, in bytes."""
SHOWN_ENTRIES = 100
"""The maximum number of usage entries in a response."""


class BasicInfo(CamelModel):
    """The user's identity according to the ID token."""

    display_name: str | None
    email: str | None


class BillingInfo(CamelModel):
    """The user's plan. There is only one plan, and it is always active."""

    plan: str
    status: str


class UsageEntry(CamelModel):
    """A charge: its time, its cost in US dollars, and details about it."""

    timestamp: datetime
    response_cost: float
    metadata: JsonObject


class UsageInfo(CamelModel):
    """Amounts in US dollars, the reset date in epoch milliseconds, and the newest 100 entries of the current period."""

    monthly_allowance: float
    allowance_reset_date: int
    spend_remaining: float
    usage: list[UsageEntry]


_EXAMPLE: dict[str, Any] = {
    "_id": "Zx3kQ0vJ1uYp7sT2mN5bR8cW4aE6",
    "_rev": "4",
    "createdAt": "2026-11-24T06:00:00.120000Z",
    "updatedAt": "2026-11-24T06:00:01.480000Z",
    "basicInfo": {"displayName": "Ada", "email": "ada@example.com"},
    "billingInfo": {"plan": "free", "status": "active"},
    "usageInfo": {
        "monthlyAllowance": 100.0,
        "allowanceResetDate": 1798761600000,
        "spendRemaining": 99.75,
        "usage": [
            {
                "timestamp": "2026-11-24T06:00:01.480000Z",
                "responseCost": 0.25,
                "metadata": {"purpose": "translation"},
            }
        ],
    },
}


class User(CamelModel):
    """A user: profile, billing, and usage."""

    model_config = with_example(**_EXAMPLE)

    id: str = Field(serialization_alias="_id")
    rev: str = Field(serialization_alias="_rev")
    created_at: datetime
    updated_at: datetime
    basic_info: BasicInfo
    billing_info: BillingInfo
    usage_info: UsageInfo


class AdminUser(User):
    """A user as administrators see it."""

    model_config = with_example(**_EXAMPLE, disabled=False)

    disabled: bool


def to_admin_user(account: Account) -> AdminUser:
    """Returns the account as administrators see it, without usage entries."""
    return AdminUser(**dict(to_user(account, [])), disabled=account.disabled)


def to_user(account: Account, usage: list[UsageEntry]) -> User:
    """Returns the account as its owner sees it."""
    return User(
        id=account.uid,
        rev=str(account.rev),
        created_at=account.created_at,
        updated_at=account.updated_at,
        basic_info=BasicInfo(display_name=account.display_name, email=account.email),
        billing_info=BillingInfo(plan=account.plan, status=account.billing_status),
        usage_info=UsageInfo(
            monthly_allowance=to_dollars(account.allowance),
            allowance_reset_date=account.reset_at,
            spend_remaining=to_dollars(account.remaining),
            usage=usage,
        ),
    )


class Revised(CamelModel):
    """A change that may name the revision that it is based on."""

    rev: Annotated[str, StringConstraints(max_length=100)] | None = Field(default=None, validation_alias="_rev")


class MonthlyAllowance(Revised):
    """A new monthly allowance, in US dollars."""

    model_config = with_example(monthlyAllowance=50)

    monthly_allowance: Dollars


class AllowanceResetDate(Revised):
    """A new date at which the allowance is refilled, in milliseconds since 1970."""

    model_config = with_example(allowanceResetDate=1798761600000)

    allowance_reset_date: Milliseconds


class SpendRemaining(Revised):
    """A new remaining amount, in US dollars."""

    model_config = with_example(spendRemaining=12.5)

    spend_remaining: Dollars


class UsageReport(CamelModel):
    """An amount that the caller spent elsewhere, to be charged to their allowance."""

    model_config = with_example(responseCost=0.25, metadata={"purpose": "translation"})

    response_cost: Dollars
    metadata: OptionalJsonObject = {}


class AccountChange(Revised):
    """Any combination of the three changes that users can make to their own account."""

    model_config = with_example(monthlyAllowance=200, spendRemaining=200)

    monthly_allowance: Dollars | None = None
    allowance_reset_date: Milliseconds | None = None
    spend_remaining: Dollars | None = None


class AdminChange(AccountChange):
    """Any combination of the changes that an administrator can make."""

    model_config = with_example(monthlyAllowance=200, spendRemaining=200)

    disabled: Annotated[bool, Field(strict=True)] | None = Field(
        default=None, description="Whether all requests of the user, and of callers of the user's agents, are refused."
    )

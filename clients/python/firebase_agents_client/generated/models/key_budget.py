from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define

from ..models.period import Period, check_period

T = TypeVar("T", bound="KeyBudget")


@_attrs_define
class KeyBudget:
    """What a key may spend: `amount` US dollars in each `period`, a day or a month in UTC.

    Attributes:
        amount (float):
        period (Period): The period after which a key's budget is reset. It begins at midnight in UTC, a month on its
            first day.
    """

    amount: float
    period: Period

    def to_dict(self) -> dict[str, Any]:
        amount = self.amount

        period: str = self.period

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "amount": amount,
                "period": period,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        amount = d.pop("amount")

        period = check_period(d.pop("period"))

        key_budget = cls(
            amount=amount,
            period=period,
        )

        return key_budget

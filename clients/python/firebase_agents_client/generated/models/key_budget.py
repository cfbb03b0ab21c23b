from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.period import Period, check_period

T = TypeVar("T", bound="KeyBudget")


@_attrs_define
class KeyBudget:
    """What a key may spend: `amount` US dollars in each `period`, a day or a month in UTC.

    Attributes:
        amount (float):
        period (Period): The period after which a key's budget is full again. It begins at midnight in UTC, a month on
            its first day.
    """

    amount: float
    period: Period
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        amount = self.amount

        period: str = self.period

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
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

        key_budget.additional_properties = d
        return key_budget

    @property
    def additional_keys(self) -> list[str]:
        return list(self.additional_properties.keys())

    def __getitem__(self, key: str) -> Any:
        return self.additional_properties[key]

    def __setitem__(self, key: str, value: Any) -> None:
        self.additional_properties[key] = value

    def __delitem__(self, key: str) -> None:
        del self.additional_properties[key]

    def __contains__(self, key: str) -> bool:
        return key in self.additional_properties

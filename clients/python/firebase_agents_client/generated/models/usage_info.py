from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.usage_entry import UsageEntry


T = TypeVar("T", bound="UsageInfo")


@_attrs_define
class UsageInfo:
    """Amounts in US dollars, the reset date in epoch milliseconds, and the newest 100 entries of the current period.

    Attributes:
        monthly_allowance (float):
        allowance_reset_date (int):
        spend_remaining (float):
        usage (list[UsageEntry]):
    """

    monthly_allowance: float
    allowance_reset_date: int
    spend_remaining: float
    usage: list[UsageEntry]
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        monthly_allowance = self.monthly_allowance

        allowance_reset_date = self.allowance_reset_date

        spend_remaining = self.spend_remaining

        usage = []
        for usage_item_data in self.usage:
            usage_item = usage_item_data.to_dict()
            usage.append(usage_item)

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "monthlyAllowance": monthly_allowance,
                "allowanceResetDate": allowance_reset_date,
                "spendRemaining": spend_remaining,
                "usage": usage,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.usage_entry import UsageEntry  # noqa: PLC0415

        d = dict(src_dict)
        monthly_allowance = d.pop("monthlyAllowance")

        allowance_reset_date = d.pop("allowanceResetDate")

        spend_remaining = d.pop("spendRemaining")

        usage = []
        _usage = d.pop("usage")
        for usage_item_data in _usage:
            usage_item = UsageEntry.from_dict(usage_item_data)

            usage.append(usage_item)

        usage_info = cls(
            monthly_allowance=monthly_allowance,
            allowance_reset_date=allowance_reset_date,
            spend_remaining=spend_remaining,
            usage=usage,
        )

        usage_info.additional_properties = d
        return usage_info

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

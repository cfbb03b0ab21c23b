from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

T = TypeVar("T", bound="AdminChange")


@_attrs_define
class AdminChange:
    """Any combination of the changes that an administrator can make.

    Attributes:
        field_rev (None | str | Unset):
        monthly_allowance (float | None | Unset):
        allowance_reset_date (float | None | Unset):
        spend_remaining (float | None | Unset):
        disabled (bool | None | Unset): Whether all requests of the user, and of callers of the user's agents, are
            refused.
    """

    field_rev: None | str | Unset = UNSET
    monthly_allowance: float | None | Unset = UNSET
    allowance_reset_date: float | None | Unset = UNSET
    spend_remaining: float | None | Unset = UNSET
    disabled: bool | None | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        field_rev: None | str | Unset
        if isinstance(self.field_rev, Unset):
            field_rev = UNSET
        else:
            field_rev = self.field_rev

        monthly_allowance: float | None | Unset
        if isinstance(self.monthly_allowance, Unset):
            monthly_allowance = UNSET
        else:
            monthly_allowance = self.monthly_allowance

        allowance_reset_date: float | None | Unset
        if isinstance(self.allowance_reset_date, Unset):
            allowance_reset_date = UNSET
        else:
            allowance_reset_date = self.allowance_reset_date

        spend_remaining: float | None | Unset
        if isinstance(self.spend_remaining, Unset):
            spend_remaining = UNSET
        else:
            spend_remaining = self.spend_remaining

        disabled: bool | None | Unset
        if isinstance(self.disabled, Unset):
            disabled = UNSET
        else:
            disabled = self.disabled

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update({})
        if field_rev is not UNSET:
            field_dict["_rev"] = field_rev
        if monthly_allowance is not UNSET:
            field_dict["monthlyAllowance"] = monthly_allowance
        if allowance_reset_date is not UNSET:
            field_dict["allowanceResetDate"] = allowance_reset_date
        if spend_remaining is not UNSET:
            field_dict["spendRemaining"] = spend_remaining
        if disabled is not UNSET:
            field_dict["disabled"] = disabled

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)

        def _parse_field_rev(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        field_rev = _parse_field_rev(d.pop("_rev", UNSET))

        def _parse_monthly_allowance(data: object) -> float | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(float | None | Unset, data)

        monthly_allowance = _parse_monthly_allowance(d.pop("monthlyAllowance", UNSET))

        def _parse_allowance_reset_date(data: object) -> float | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(float | None | Unset, data)

        allowance_reset_date = _parse_allowance_reset_date(d.pop("allowanceResetDate", UNSET))

        def _parse_spend_remaining(data: object) -> float | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(float | None | Unset, data)

        spend_remaining = _parse_spend_remaining(d.pop("spendRemaining", UNSET))

        def _parse_disabled(data: object) -> bool | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(bool | None | Unset, data)

        disabled = _parse_disabled(d.pop("disabled", UNSET))

        admin_change = cls(
            field_rev=field_rev,
            monthly_allowance=monthly_allowance,
            allowance_reset_date=allowance_reset_date,
            spend_remaining=spend_remaining,
            disabled=disabled,
        )

        admin_change.additional_properties = d
        return admin_change

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

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

T = TypeVar("T", bound="AllowanceResetDate")


@_attrs_define
class AllowanceResetDate:
    """A new date at which the allowance is refilled, in milliseconds since 1970.

    Attributes:
        allowance_reset_date (float): Epoch milliseconds: 0 for never, or at least 100000000000. Fractions are dropped.
        field_rev (None | str | Unset):
    """

    allowance_reset_date: float
    field_rev: None | str | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        allowance_reset_date = self.allowance_reset_date

        field_rev: None | str | Unset
        if isinstance(self.field_rev, Unset):
            field_rev = UNSET
        else:
            field_rev = self.field_rev

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "allowanceResetDate": allowance_reset_date,
            }
        )
        if field_rev is not UNSET:
            field_dict["_rev"] = field_rev

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        allowance_reset_date = d.pop("allowanceResetDate")

        def _parse_field_rev(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        field_rev = _parse_field_rev(d.pop("_rev", UNSET))

        allowance_reset_date = cls(
            allowance_reset_date=allowance_reset_date,
            field_rev=field_rev,
        )

        allowance_reset_date.additional_properties = d
        return allowance_reset_date

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

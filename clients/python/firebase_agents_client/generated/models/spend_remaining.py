from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

T = TypeVar("T", bound="SpendRemaining")


@_attrs_define
class SpendRemaining:
    """A new remaining amount, in US dollars.

    Attributes:
        spend_remaining (float):
        field_rev (None | str | Unset):
    """

    spend_remaining: float
    field_rev: None | str | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        spend_remaining = self.spend_remaining

        field_rev: None | str | Unset
        if isinstance(self.field_rev, Unset):
            field_rev = UNSET
        else:
            field_rev = self.field_rev

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "spendRemaining": spend_remaining,
            }
        )
        if field_rev is not UNSET:
            field_dict["_rev"] = field_rev

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        spend_remaining = d.pop("spendRemaining")

        def _parse_field_rev(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        field_rev = _parse_field_rev(d.pop("_rev", UNSET))

        spend_remaining = cls(
            spend_remaining=spend_remaining,
            field_rev=field_rev,
        )

        spend_remaining.additional_properties = d
        return spend_remaining

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

from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.basic_info import BasicInfo
    from ..models.billing_info import BillingInfo
    from ..models.usage_info import UsageInfo


T = TypeVar("T", bound="AdminUser")


@_attrs_define
class AdminUser:
    """A user as administrators see it.

    Attributes:
        field_id (str):
        field_rev (str):
        created_at (datetime.datetime):
        updated_at (datetime.datetime):
        basic_info (BasicInfo): The user's identity according to the ID token.
        billing_info (BillingInfo): The user's plan. There is only one plan, and it is always active.
        usage_info (UsageInfo): Amounts in US dollars, the reset date in epoch milliseconds, and the newest 100 entries
            of the current period.
        disabled (bool):
    """

    field_id: str
    field_rev: str
    created_at: datetime.datetime
    updated_at: datetime.datetime
    basic_info: BasicInfo
    billing_info: BillingInfo
    usage_info: UsageInfo
    disabled: bool
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        field_id = self.field_id

        field_rev = self.field_rev

        created_at = self.created_at.isoformat()

        updated_at = self.updated_at.isoformat()

        basic_info = self.basic_info.to_dict()

        billing_info = self.billing_info.to_dict()

        usage_info = self.usage_info.to_dict()

        disabled = self.disabled

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "_id": field_id,
                "_rev": field_rev,
                "createdAt": created_at,
                "updatedAt": updated_at,
                "basicInfo": basic_info,
                "billingInfo": billing_info,
                "usageInfo": usage_info,
                "disabled": disabled,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.basic_info import BasicInfo  # noqa: PLC0415
        from ..models.billing_info import BillingInfo  # noqa: PLC0415
        from ..models.usage_info import UsageInfo  # noqa: PLC0415

        d = dict(src_dict)
        field_id = d.pop("_id")

        field_rev = d.pop("_rev")

        created_at = datetime.datetime.fromisoformat(d.pop("createdAt"))

        updated_at = datetime.datetime.fromisoformat(d.pop("updatedAt"))

        basic_info = BasicInfo.from_dict(d.pop("basicInfo"))

        billing_info = BillingInfo.from_dict(d.pop("billingInfo"))

        usage_info = UsageInfo.from_dict(d.pop("usageInfo"))

        disabled = d.pop("disabled")

        admin_user = cls(
            field_id=field_id,
            field_rev=field_rev,
            created_at=created_at,
            updated_at=updated_at,
            basic_info=basic_info,
            billing_info=billing_info,
            usage_info=usage_info,
            disabled=disabled,
        )

        admin_user.additional_properties = d
        return admin_user

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

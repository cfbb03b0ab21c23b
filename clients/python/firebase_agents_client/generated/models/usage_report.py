from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.usage_report_metadata import UsageReportMetadata


T = TypeVar("T", bound="UsageReport")


@_attrs_define
class UsageReport:
    """An amount that the caller spent elsewhere, to be charged to their allowance.

    Attributes:
        response_cost (float):
        metadata (UsageReportMetadata | Unset):
    """

    response_cost: float
    metadata: UsageReportMetadata | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        response_cost = self.response_cost

        metadata: dict[str, Any] | Unset = UNSET
        if not isinstance(self.metadata, Unset):
            metadata = self.metadata.to_dict()

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "responseCost": response_cost,
            }
        )
        if metadata is not UNSET:
            field_dict["metadata"] = metadata

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.usage_report_metadata import UsageReportMetadata  # noqa: PLC0415

        d = dict(src_dict)
        response_cost = d.pop("responseCost")

        _metadata = d.pop("metadata", UNSET)
        metadata: UsageReportMetadata | Unset
        if isinstance(_metadata, Unset):
            metadata = UNSET
        else:
            metadata = UsageReportMetadata.from_dict(_metadata)

        usage_report = cls(
            response_cost=response_cost,
            metadata=metadata,
        )

        usage_report.additional_properties = d
        return usage_report

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

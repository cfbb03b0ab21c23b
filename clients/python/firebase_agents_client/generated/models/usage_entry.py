from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.usage_entry_metadata import UsageEntryMetadata


T = TypeVar("T", bound="UsageEntry")


@_attrs_define
class UsageEntry:
    """A charge: its time, its cost in US dollars, and details about it.

    Attributes:
        timestamp (datetime.datetime):
        response_cost (float):
        metadata (UsageEntryMetadata):
    """

    timestamp: datetime.datetime
    response_cost: float
    metadata: UsageEntryMetadata
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        timestamp = self.timestamp.isoformat()

        response_cost = self.response_cost

        metadata = self.metadata.to_dict()

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "timestamp": timestamp,
                "responseCost": response_cost,
                "metadata": metadata,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.usage_entry_metadata import UsageEntryMetadata  # noqa: PLC0415

        d = dict(src_dict)
        timestamp = datetime.datetime.fromisoformat(d.pop("timestamp"))

        response_cost = d.pop("responseCost")

        metadata = UsageEntryMetadata.from_dict(d.pop("metadata"))

        usage_entry = cls(
            timestamp=timestamp,
            response_cost=response_cost,
            metadata=metadata,
        )

        usage_entry.additional_properties = d
        return usage_entry

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

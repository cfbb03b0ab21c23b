from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.client_log_metadata_type_0 import ClientLogMetadataType0


T = TypeVar("T", bound="ClientLog")


@_attrs_define
class ClientLog:
    """An event that a frontend reports.

    Attributes:
        event_type (str):
        message (str):
        level (str | Unset):  Default: 'INFO'.
        metadata (ClientLogMetadataType0 | None | Unset):
    """

    event_type: str
    message: str
    level: str | Unset = "INFO"
    metadata: ClientLogMetadataType0 | None | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        from ..models.client_log_metadata_type_0 import ClientLogMetadataType0  # noqa: PLC0415

        event_type = self.event_type

        message = self.message

        level = self.level

        metadata: dict[str, Any] | None | Unset
        if isinstance(self.metadata, Unset):
            metadata = UNSET
        elif isinstance(self.metadata, ClientLogMetadataType0):
            metadata = self.metadata.to_dict()
        else:
            metadata = self.metadata

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "eventType": event_type,
                "message": message,
            }
        )
        if level is not UNSET:
            field_dict["level"] = level
        if metadata is not UNSET:
            field_dict["metadata"] = metadata

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.client_log_metadata_type_0 import ClientLogMetadataType0  # noqa: PLC0415

        d = dict(src_dict)
        event_type = d.pop("eventType")

        message = d.pop("message")

        level = d.pop("level", UNSET)

        def _parse_metadata(data: object) -> ClientLogMetadataType0 | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                metadata_type_0 = ClientLogMetadataType0.from_dict(data)

                return metadata_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(ClientLogMetadataType0 | None | Unset, data)

        metadata = _parse_metadata(d.pop("metadata", UNSET))

        client_log = cls(
            event_type=event_type,
            message=message,
            level=level,
            metadata=metadata,
        )

        client_log.additional_properties = d
        return client_log

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

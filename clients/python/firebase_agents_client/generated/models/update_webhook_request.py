from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.webhook_event import WebhookEvent, check_webhook_event
from ..types import UNSET, Unset

T = TypeVar("T", bound="UpdateWebhookRequest")


@_attrs_define
class UpdateWebhookRequest:
    """The request body of `PUT /webhooks/{id}`. Only the fields that are sent change.

    `rev`: the revision that the change is based on; it is refused if the webhook has changed since.

        Attributes:
            url (str | Unset):
            events (list[WebhookEvent] | Unset):
            enabled (bool | Unset):
            field_rev (None | str | Unset):
    """

    url: str | Unset = UNSET
    events: list[WebhookEvent] | Unset = UNSET
    enabled: bool | Unset = UNSET
    field_rev: None | str | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        url = self.url

        events: list[str] | Unset = UNSET
        if not isinstance(self.events, Unset):
            events = []
            for events_item_data in self.events:
                events_item: str = events_item_data
                events.append(events_item)

        enabled = self.enabled

        field_rev: None | str | Unset
        if isinstance(self.field_rev, Unset):
            field_rev = UNSET
        else:
            field_rev = self.field_rev

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update({})
        if url is not UNSET:
            field_dict["url"] = url
        if events is not UNSET:
            field_dict["events"] = events
        if enabled is not UNSET:
            field_dict["enabled"] = enabled
        if field_rev is not UNSET:
            field_dict["_rev"] = field_rev

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        url = d.pop("url", UNSET)

        _events = d.pop("events", UNSET)
        events: list[WebhookEvent] | Unset = UNSET
        if _events is not UNSET:
            events = []
            for events_item_data in _events:
                events_item = check_webhook_event(events_item_data)

                events.append(events_item)

        enabled = d.pop("enabled", UNSET)

        def _parse_field_rev(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        field_rev = _parse_field_rev(d.pop("_rev", UNSET))

        update_webhook_request = cls(
            url=url,
            events=events,
            enabled=enabled,
            field_rev=field_rev,
        )

        update_webhook_request.additional_properties = d
        return update_webhook_request

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

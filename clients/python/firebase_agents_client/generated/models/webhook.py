from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.webhook_event import WebhookEvent, check_webhook_event

T = TypeVar("T", bound="Webhook")


@_attrs_define
class Webhook:
    """A webhook as the API returns it. `lastStatus`, `lastError`: the response to the last attempt, and why it failed.

    `failingSince`: since when no attempt has succeeded. `disabledReason`: why the service disabled it.

        Attributes:
            field_id (str):
            field_rev (str):
            url (str):
            events (list[WebhookEvent]):
            enabled (bool):
            created_at (datetime.datetime):
            updated_at (datetime.datetime):
            last_status (int | None):
            last_error (None | str):
            failing_since (datetime.datetime | None):
            disabled_reason (None | str):
    """

    field_id: str
    field_rev: str
    url: str
    events: list[WebhookEvent]
    enabled: bool
    created_at: datetime.datetime
    updated_at: datetime.datetime
    last_status: int | None
    last_error: None | str
    failing_since: datetime.datetime | None
    disabled_reason: None | str
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        field_id = self.field_id

        field_rev = self.field_rev

        url = self.url

        events = []
        for events_item_data in self.events:
            events_item: str = events_item_data
            events.append(events_item)

        enabled = self.enabled

        created_at = self.created_at.isoformat()

        updated_at = self.updated_at.isoformat()

        last_status: int | None
        last_status = self.last_status

        last_error: None | str
        last_error = self.last_error

        failing_since: None | str
        if isinstance(self.failing_since, datetime.datetime):
            failing_since = self.failing_since.isoformat()
        else:
            failing_since = self.failing_since

        disabled_reason: None | str
        disabled_reason = self.disabled_reason

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "_id": field_id,
                "_rev": field_rev,
                "url": url,
                "events": events,
                "enabled": enabled,
                "createdAt": created_at,
                "updatedAt": updated_at,
                "lastStatus": last_status,
                "lastError": last_error,
                "failingSince": failing_since,
                "disabledReason": disabled_reason,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        field_id = d.pop("_id")

        field_rev = d.pop("_rev")

        url = d.pop("url")

        events = []
        _events = d.pop("events")
        for events_item_data in _events:
            events_item = check_webhook_event(events_item_data)

            events.append(events_item)

        enabled = d.pop("enabled")

        created_at = datetime.datetime.fromisoformat(d.pop("createdAt"))

        updated_at = datetime.datetime.fromisoformat(d.pop("updatedAt"))

        def _parse_last_status(data: object) -> int | None:
            if data is None:
                return data
            return cast(int | None, data)

        last_status = _parse_last_status(d.pop("lastStatus"))

        def _parse_last_error(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        last_error = _parse_last_error(d.pop("lastError"))

        def _parse_failing_since(data: object) -> datetime.datetime | None:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                failing_since_type_0 = datetime.datetime.fromisoformat(data)

                return failing_since_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None, data)

        failing_since = _parse_failing_since(d.pop("failingSince"))

        def _parse_disabled_reason(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        disabled_reason = _parse_disabled_reason(d.pop("disabledReason"))

        webhook = cls(
            field_id=field_id,
            field_rev=field_rev,
            url=url,
            events=events,
            enabled=enabled,
            created_at=created_at,
            updated_at=updated_at,
            last_status=last_status,
            last_error=last_error,
            failing_since=failing_since,
            disabled_reason=disabled_reason,
        )

        webhook.additional_properties = d
        return webhook

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

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.update_schedule_request_overlap import (
    UpdateScheduleRequestOverlap,
    check_update_schedule_request_overlap,
)
from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.update_schedule_request_input import UpdateScheduleRequestInput


T = TypeVar("T", bound="UpdateScheduleRequest")


@_attrs_define
class UpdateScheduleRequest:
    """The request body of `PUT /schedules/{id}`: only the fields that are sent change.

    `rev`: the revision that the change is based on; it is refused if the schedule has been changed since.

        Attributes:
            field_rev (None | str | Unset):
            agent_id (str | Unset):
            cron (str | Unset):
            timezone (str | Unset):
            input_ (UpdateScheduleRequestInput | Unset):
            enabled (bool | Unset):
            overlap (UpdateScheduleRequestOverlap | Unset):
    """

    field_rev: None | str | Unset = UNSET
    agent_id: str | Unset = UNSET
    cron: str | Unset = UNSET
    timezone: str | Unset = UNSET
    input_: UpdateScheduleRequestInput | Unset = UNSET
    enabled: bool | Unset = UNSET
    overlap: UpdateScheduleRequestOverlap | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        field_rev: None | str | Unset
        if isinstance(self.field_rev, Unset):
            field_rev = UNSET
        else:
            field_rev = self.field_rev

        agent_id = self.agent_id

        cron = self.cron

        timezone = self.timezone

        input_: dict[str, Any] | Unset = UNSET
        if not isinstance(self.input_, Unset):
            input_ = self.input_.to_dict()

        enabled = self.enabled

        overlap: str | Unset = UNSET
        if not isinstance(self.overlap, Unset):
            overlap = self.overlap

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update({})
        if field_rev is not UNSET:
            field_dict["_rev"] = field_rev
        if agent_id is not UNSET:
            field_dict["agentId"] = agent_id
        if cron is not UNSET:
            field_dict["cron"] = cron
        if timezone is not UNSET:
            field_dict["timezone"] = timezone
        if input_ is not UNSET:
            field_dict["input"] = input_
        if enabled is not UNSET:
            field_dict["enabled"] = enabled
        if overlap is not UNSET:
            field_dict["overlap"] = overlap

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.update_schedule_request_input import UpdateScheduleRequestInput  # noqa: PLC0415

        d = dict(src_dict)

        def _parse_field_rev(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        field_rev = _parse_field_rev(d.pop("_rev", UNSET))

        agent_id = d.pop("agentId", UNSET)

        cron = d.pop("cron", UNSET)

        timezone = d.pop("timezone", UNSET)

        _input_ = d.pop("input", UNSET)
        input_: UpdateScheduleRequestInput | Unset
        if isinstance(_input_, Unset):
            input_ = UNSET
        else:
            input_ = UpdateScheduleRequestInput.from_dict(_input_)

        enabled = d.pop("enabled", UNSET)

        _overlap = d.pop("overlap", UNSET)
        overlap: UpdateScheduleRequestOverlap | Unset
        if isinstance(_overlap, Unset):
            overlap = UNSET
        else:
            overlap = check_update_schedule_request_overlap(_overlap)

        update_schedule_request = cls(
            field_rev=field_rev,
            agent_id=agent_id,
            cron=cron,
            timezone=timezone,
            input_=input_,
            enabled=enabled,
            overlap=overlap,
        )

        update_schedule_request.additional_properties = d
        return update_schedule_request

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

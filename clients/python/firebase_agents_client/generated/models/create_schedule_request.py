from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.create_schedule_request_overlap import (
    CreateScheduleRequestOverlap,
    check_create_schedule_request_overlap,
)
from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.create_schedule_request_input import CreateScheduleRequestInput


T = TypeVar("T", bound="CreateScheduleRequest")


@_attrs_define
class CreateScheduleRequest:
    """The request body of `POST /schedules`.

    Attributes:
        agent_id (str):
        cron (str):
        timezone (str | Unset):  Default: 'UTC'.
        input_ (CreateScheduleRequestInput | Unset):
        enabled (bool | Unset):  Default: True.
        overlap (CreateScheduleRequestOverlap | Unset):  Default: 'skip'.
    """

    agent_id: str
    cron: str
    timezone: str | Unset = "UTC"
    input_: CreateScheduleRequestInput | Unset = UNSET
    enabled: bool | Unset = True
    overlap: CreateScheduleRequestOverlap | Unset = "skip"
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
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
        field_dict.update(
            {
                "agentId": agent_id,
                "cron": cron,
            }
        )
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
        from ..models.create_schedule_request_input import CreateScheduleRequestInput  # noqa: PLC0415

        d = dict(src_dict)
        agent_id = d.pop("agentId")

        cron = d.pop("cron")

        timezone = d.pop("timezone", UNSET)

        _input_ = d.pop("input", UNSET)
        input_: CreateScheduleRequestInput | Unset
        if isinstance(_input_, Unset):
            input_ = UNSET
        else:
            input_ = CreateScheduleRequestInput.from_dict(_input_)

        enabled = d.pop("enabled", UNSET)

        _overlap = d.pop("overlap", UNSET)
        overlap: CreateScheduleRequestOverlap | Unset
        if isinstance(_overlap, Unset):
            overlap = UNSET
        else:
            overlap = check_create_schedule_request_overlap(_overlap)

        create_schedule_request = cls(
            agent_id=agent_id,
            cron=cron,
            timezone=timezone,
            input_=input_,
            enabled=enabled,
            overlap=overlap,
        )

        create_schedule_request.additional_properties = d
        return create_schedule_request

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

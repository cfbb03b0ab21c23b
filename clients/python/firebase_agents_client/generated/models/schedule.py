from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.schedule_overlap import ScheduleOverlap, check_schedule_overlap

if TYPE_CHECKING:
    from ..models.schedule_input import ScheduleInput


T = TypeVar("T", bound="Schedule")


@_attrs_define
class Schedule:
    """A schedule as the API returns it. `nextTimes`: the next five due times; none while it is disabled.

    `lastDueAt`: the last due time that was dispatched. `lastRunId`: the last run that was started. `lastError`: why
    the last due time has no run. `skipped`: how many due times have no run because the previous run had not ended.
    `missed`: how many have none because the service was down, and a later one was due when it was up again.

        Attributes:
            agent_id (str):
            cron (str):
            timezone (str):  Default: 'UTC'.
            input_ (ScheduleInput):
            enabled (bool):  Default: True.
            overlap (ScheduleOverlap):  Default: 'skip'.
            field_id (str):
            field_rev (str):
            created_at (datetime.datetime):
            updated_at (datetime.datetime):
            next_times (list[datetime.datetime]):
            last_due_at (datetime.datetime | None):
            last_run_id (None | str):
            last_error (None | str):
            skipped (int):
            missed (int):
    """

    agent_id: str
    cron: str
    input_: ScheduleInput
    field_id: str
    field_rev: str
    created_at: datetime.datetime
    updated_at: datetime.datetime
    next_times: list[datetime.datetime]
    last_due_at: datetime.datetime | None
    last_run_id: None | str
    last_error: None | str
    skipped: int
    missed: int
    timezone: str = "UTC"
    enabled: bool = True
    overlap: ScheduleOverlap = "skip"
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        agent_id = self.agent_id

        cron = self.cron

        timezone = self.timezone

        input_ = self.input_.to_dict()

        enabled = self.enabled

        overlap: str = self.overlap

        field_id = self.field_id

        field_rev = self.field_rev

        created_at = self.created_at.isoformat()

        updated_at = self.updated_at.isoformat()

        next_times = []
        for next_times_item_data in self.next_times:
            next_times_item = next_times_item_data.isoformat()
            next_times.append(next_times_item)

        last_due_at: None | str
        if isinstance(self.last_due_at, datetime.datetime):
            last_due_at = self.last_due_at.isoformat()
        else:
            last_due_at = self.last_due_at

        last_run_id: None | str
        last_run_id = self.last_run_id

        last_error: None | str
        last_error = self.last_error

        skipped = self.skipped

        missed = self.missed

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "agentId": agent_id,
                "cron": cron,
                "timezone": timezone,
                "input": input_,
                "enabled": enabled,
                "overlap": overlap,
                "_id": field_id,
                "_rev": field_rev,
                "createdAt": created_at,
                "updatedAt": updated_at,
                "nextTimes": next_times,
                "lastDueAt": last_due_at,
                "lastRunId": last_run_id,
                "lastError": last_error,
                "skipped": skipped,
                "missed": missed,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.schedule_input import ScheduleInput  # noqa: PLC0415

        d = dict(src_dict)
        agent_id = d.pop("agentId")

        cron = d.pop("cron")

        timezone = d.pop("timezone")

        input_ = ScheduleInput.from_dict(d.pop("input"))

        enabled = d.pop("enabled")

        overlap = check_schedule_overlap(d.pop("overlap"))

        field_id = d.pop("_id")

        field_rev = d.pop("_rev")

        created_at = datetime.datetime.fromisoformat(d.pop("createdAt"))

        updated_at = datetime.datetime.fromisoformat(d.pop("updatedAt"))

        next_times = []
        _next_times = d.pop("nextTimes")
        for next_times_item_data in _next_times:
            next_times_item = datetime.datetime.fromisoformat(next_times_item_data)

            next_times.append(next_times_item)

        def _parse_last_due_at(data: object) -> datetime.datetime | None:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                last_due_at_type_0 = datetime.datetime.fromisoformat(data)

                return last_due_at_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None, data)

        last_due_at = _parse_last_due_at(d.pop("lastDueAt"))

        def _parse_last_run_id(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        last_run_id = _parse_last_run_id(d.pop("lastRunId"))

        def _parse_last_error(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        last_error = _parse_last_error(d.pop("lastError"))

        skipped = d.pop("skipped")

        missed = d.pop("missed")

        schedule = cls(
            agent_id=agent_id,
            cron=cron,
            timezone=timezone,
            input_=input_,
            enabled=enabled,
            overlap=overlap,
            field_id=field_id,
            field_rev=field_rev,
            created_at=created_at,
            updated_at=updated_at,
            next_times=next_times,
            last_due_at=last_due_at,
            last_run_id=last_run_id,
            last_error=last_error,
            skipped=skipped,
            missed=missed,
        )

        schedule.additional_properties = d
        return schedule

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

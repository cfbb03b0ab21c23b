from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.ticket_status import TicketStatus, check_ticket_status
from ..types import UNSET, Unset

T = TypeVar("T", bound="StatusEvent")


@_attrs_define
class StatusEvent:
    """The data of `status`. With `restart`, all earlier deltas are void, because the answer begins again.

    Attributes:
        status (TicketStatus): The state of a ticket. `completed`, `failed` and `cancelled` are final.

            `waiting`: an agent's run sleeps, or waits for the answer to a question. As a chat, such a run is `processing`.
        attempt (int):
        restart (bool | None | Unset):
    """

    status: TicketStatus
    attempt: int
    restart: bool | None | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        status: str = self.status

        attempt = self.attempt

        restart: bool | None | Unset
        if isinstance(self.restart, Unset):
            restart = UNSET
        else:
            restart = self.restart

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "status": status,
                "attempt": attempt,
            }
        )
        if restart is not UNSET:
            field_dict["restart"] = restart

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        status = check_ticket_status(d.pop("status"))

        attempt = d.pop("attempt")

        def _parse_restart(data: object) -> bool | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(bool | None | Unset, data)

        restart = _parse_restart(d.pop("restart", UNSET))

        status_event = cls(
            status=status,
            attempt=attempt,
            restart=restart,
        )

        status_event.additional_properties = d
        return status_event

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

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.ticket_status import TicketStatus, check_ticket_status

T = TypeVar("T", bound="StartedRun")


@_attrs_define
class StartedRun:
    """The response of `POST /runs`.

    Attributes:
        run_id (str):
        status (TicketStatus): The state of a ticket. `completed`, `failed` and `cancelled` are final.

            `waiting`: an agent's run sleeps, or waits for the answer to a question. As a chat, such a run is `processing`.
    """

    run_id: str
    status: TicketStatus
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        run_id = self.run_id

        status: str = self.status

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "run_id": run_id,
                "status": status,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        run_id = d.pop("run_id")

        status = check_ticket_status(d.pop("status"))

        started_run = cls(
            run_id=run_id,
            status=status,
        )

        started_run.additional_properties = d
        return started_run

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

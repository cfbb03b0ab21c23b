from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.ticket_status import TicketStatus, check_ticket_status

if TYPE_CHECKING:
    from ..models.chat_result import ChatResult


T = TypeVar("T", bound="ChatResponse")


@_attrs_define
class ChatResponse:
    """A ticket, as `GET /chat/{ticket_id}` and `GET /chat` return it.

    `error` is a sentence for the user if the chat failed, else None.

        Attributes:
            ticket_id (str):
            status (TicketStatus): The state of a ticket. `completed`, `failed` and `cancelled` are final.

                `waiting`: an agent's run sleeps, or waits for the answer to a question. As a chat, such a run is `processing`.
            result (ChatResult | None):
            error (None | str):
            created_at (datetime.datetime):
            updated_at (datetime.datetime):
            completed_at (datetime.datetime | None):
    """

    ticket_id: str
    status: TicketStatus
    result: ChatResult | None
    error: None | str
    created_at: datetime.datetime
    updated_at: datetime.datetime
    completed_at: datetime.datetime | None
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        from ..models.chat_result import ChatResult  # noqa: PLC0415

        ticket_id = self.ticket_id

        status: str = self.status

        result: dict[str, Any] | None
        if isinstance(self.result, ChatResult):
            result = self.result.to_dict()
        else:
            result = self.result

        error: None | str
        error = self.error

        created_at = self.created_at.isoformat()

        updated_at = self.updated_at.isoformat()

        completed_at: None | str
        if isinstance(self.completed_at, datetime.datetime):
            completed_at = self.completed_at.isoformat()
        else:
            completed_at = self.completed_at

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "ticket_id": ticket_id,
                "status": status,
                "result": result,
                "error": error,
                "created_at": created_at,
                "updated_at": updated_at,
                "completed_at": completed_at,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.chat_result import ChatResult  # noqa: PLC0415

        d = dict(src_dict)
        ticket_id = d.pop("ticket_id")

        status = check_ticket_status(d.pop("status"))

        def _parse_result(data: object) -> ChatResult | None:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                result_type_0 = ChatResult.from_dict(data)

                return result_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(ChatResult | None, data)

        result = _parse_result(d.pop("result"))

        def _parse_error(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        error = _parse_error(d.pop("error"))

        created_at = datetime.datetime.fromisoformat(d.pop("created_at"))

        updated_at = datetime.datetime.fromisoformat(d.pop("updated_at"))

        def _parse_completed_at(data: object) -> datetime.datetime | None:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                completed_at_type_0 = datetime.datetime.fromisoformat(data)

                return completed_at_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None, data)

        completed_at = _parse_completed_at(d.pop("completed_at"))

        chat_response = cls(
            ticket_id=ticket_id,
            status=status,
            result=result,
            error=error,
            created_at=created_at,
            updated_at=updated_at,
            completed_at=completed_at,
        )

        chat_response.additional_properties = d
        return chat_response

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

from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.step_kind import StepKind, check_step_kind
from ..models.step_status import StepStatus, check_step_status

if TYPE_CHECKING:
    from ..models.usage import Usage


T = TypeVar("T", bound="Step")


@_attrs_define
class Step:
    """A step of a run: something that its code did outside the sandbox.

    `n`: its position in the run. `call`: its number in the code that made it; the calls of an agent that another one
    called are numbered below that call, as in "3.1". `name`: the model, the request, the tool or the agent. `preview`:
    the beginning of what it returned. `cost`: US dollars.

        Attributes:
            n (int):
            call (str):
            kind (StepKind): What a step of a run does.
            name (str):
            status (StepStatus): The state of a step. `interrupted`: its outcome is unknown, because its worker died.
            started_at (datetime.datetime):
            ended_at (datetime.datetime | None):
            cost (float | None):
            usage (None | Usage):
            preview (str):  Default: ''.
            error (None | str):
    """

    n: int
    call: str
    kind: StepKind
    name: str
    status: StepStatus
    started_at: datetime.datetime
    ended_at: datetime.datetime | None
    cost: float | None
    usage: None | Usage
    error: None | str
    preview: str = ""
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        from ..models.usage import Usage  # noqa: PLC0415

        n = self.n

        call = self.call

        kind: str = self.kind

        name = self.name

        status: str = self.status

        started_at = self.started_at.isoformat()

        ended_at: None | str
        if isinstance(self.ended_at, datetime.datetime):
            ended_at = self.ended_at.isoformat()
        else:
            ended_at = self.ended_at

        cost: float | None
        cost = self.cost

        usage: dict[str, Any] | None
        if isinstance(self.usage, Usage):
            usage = self.usage.to_dict()
        else:
            usage = self.usage

        preview = self.preview

        error: None | str
        error = self.error

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "n": n,
                "call": call,
                "kind": kind,
                "name": name,
                "status": status,
                "startedAt": started_at,
                "endedAt": ended_at,
                "cost": cost,
                "usage": usage,
                "preview": preview,
                "error": error,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.usage import Usage  # noqa: PLC0415

        d = dict(src_dict)
        n = d.pop("n")

        call = d.pop("call")

        kind = check_step_kind(d.pop("kind"))

        name = d.pop("name")

        status = check_step_status(d.pop("status"))

        started_at = datetime.datetime.fromisoformat(d.pop("startedAt"))

        def _parse_ended_at(data: object) -> datetime.datetime | None:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                ended_at_type_0 = datetime.datetime.fromisoformat(data)

                return ended_at_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None, data)

        ended_at = _parse_ended_at(d.pop("endedAt"))

        def _parse_cost(data: object) -> float | None:
            if data is None:
                return data
            return cast(float | None, data)

        cost = _parse_cost(d.pop("cost"))

        def _parse_usage(data: object) -> None | Usage:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                usage_type_0 = Usage.from_dict(data)

                return usage_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(None | Usage, data)

        usage = _parse_usage(d.pop("usage"))

        preview = d.pop("preview")

        def _parse_error(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        error = _parse_error(d.pop("error"))

        step = cls(
            n=n,
            call=call,
            kind=kind,
            name=name,
            status=status,
            started_at=started_at,
            ended_at=ended_at,
            cost=cost,
            usage=usage,
            preview=preview,
            error=error,
        )

        step.additional_properties = d
        return step

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

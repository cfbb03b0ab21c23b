from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.run_code_response_engine import (
    RunCodeResponseEngine,
    check_run_code_response_engine,
)
from ..types import UNSET, Unset

T = TypeVar("T", bound="RunCodeResponse")


@_attrs_define
class RunCodeResponse:
    """Its answer. `logs`: the lines that were printed. `error` is null: a run that failed is answered 400.

    `engine`: which one ran it; `engine_reason`: why that is the full one, which is slower.

        Attributes:
            result (Any):
            error (None):
            logs (list[str]):
            duration_ms (int):
            engine (RunCodeResponseEngine):
            engine_reason (None | str | Unset):
    """

    result: Any
    error: None
    logs: list[str]
    duration_ms: int
    engine: RunCodeResponseEngine
    engine_reason: None | str | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        result = self.result

        error = self.error

        logs = self.logs

        duration_ms = self.duration_ms

        engine: str = self.engine

        engine_reason: None | str | Unset
        if isinstance(self.engine_reason, Unset):
            engine_reason = UNSET
        else:
            engine_reason = self.engine_reason

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "result": result,
                "error": error,
                "logs": logs,
                "durationMs": duration_ms,
                "engine": engine,
            }
        )
        if engine_reason is not UNSET:
            field_dict["engineReason"] = engine_reason

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        result = d.pop("result")

        error = d.pop("error")

        logs = cast(list[str], d.pop("logs"))

        duration_ms = d.pop("durationMs")

        engine = check_run_code_response_engine(d.pop("engine"))

        def _parse_engine_reason(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        engine_reason = _parse_engine_reason(d.pop("engineReason", UNSET))

        run_code_response = cls(
            result=result,
            error=error,
            logs=logs,
            duration_ms=duration_ms,
            engine=engine,
            engine_reason=engine_reason,
        )

        run_code_response.additional_properties = d
        return run_code_response

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

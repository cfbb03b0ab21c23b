from __future__ import annotations

from collections.abc import Mapping
from typing import (
    Any,
    Literal,
    TypeVar,
    cast,
)

from attrs import define as _attrs_define
from attrs import field as _attrs_field

T = TypeVar("T", bound="RunCodeResponse")


@_attrs_define
class RunCodeResponse:
    """The response of `POST /agents/run-code`. `logs`: the printed lines. `engine`: the engine that ran the code.

    `error` is always null: the response to a failed run has the status 400 and another shape.

        Attributes:
            result (Any):
            error (None):
            logs (list[str]):
            duration_ms (int):
            engine (Literal['python']):
    """

    result: Any
    error: None
    logs: list[str]
    duration_ms: int
    engine: Literal["python"]
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        result = self.result

        error = self.error

        logs = self.logs

        duration_ms = self.duration_ms

        engine = self.engine

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

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        result = d.pop("result")

        error = d.pop("error")

        logs = cast(list[str], d.pop("logs"))

        duration_ms = d.pop("durationMs")

        engine = cast(Literal["python"], d.pop("engine"))
        if engine != "python":
            raise ValueError(f"engine must match const 'python', got '{engine}'")

        run_code_response = cls(
            result=result,
            error=error,
            logs=logs,
            duration_ms=duration_ms,
            engine=engine,
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

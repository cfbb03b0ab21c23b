from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

T = TypeVar("T", bound="FailedCode")


@_attrs_define
class FailedCode:
    """Code that failed. `error` has the form "TypeName: message". `logs` contains the printed lines.

    `traceback` contains only lines of the submitted code. `engine` names the engine that ran the code.

        Attributes:
            detail (str):
            error (str):
            logs (list[str]):
            traceback (str):
            engine (str):
    """

    detail: str
    error: str
    logs: list[str]
    traceback: str
    engine: str
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        detail = self.detail

        error = self.error

        logs = self.logs

        traceback = self.traceback

        engine = self.engine

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "detail": detail,
                "error": error,
                "logs": logs,
                "traceback": traceback,
                "engine": engine,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        detail = d.pop("detail")

        error = d.pop("error")

        logs = cast(list[str], d.pop("logs"))

        traceback = d.pop("traceback")

        engine = d.pop("engine")

        failed_code = cls(
            detail=detail,
            error=error,
            logs=logs,
            traceback=traceback,
            engine=engine,
        )

        failed_code.additional_properties = d
        return failed_code

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

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

T = TypeVar("T", bound="Prices")


@_attrs_define
class Prices:
    """US dollars per million tokens. `cached_input`: for prompt tokens that the provider had kept; None: none.

    Attributes:
        input_ (float):
        output (float):
        cached_input (float | None):
    """

    input_: float
    output: float
    cached_input: float | None
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        input_ = self.input_

        output = self.output

        cached_input: float | None
        cached_input = self.cached_input

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "input": input_,
                "output": output,
                "cached_input": cached_input,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        input_ = d.pop("input")

        output = d.pop("output")

        def _parse_cached_input(data: object) -> float | None:
            if data is None:
                return data
            return cast(float | None, data)

        cached_input = _parse_cached_input(d.pop("cached_input"))

        prices = cls(
            input_=input_,
            output=output,
            cached_input=cached_input,
        )

        prices.additional_properties = d
        return prices

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

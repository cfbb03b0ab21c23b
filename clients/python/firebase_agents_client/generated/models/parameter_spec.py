from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.parameter_spec_type import ParameterSpecType, check_parameter_spec_type

T = TypeVar("T", bound="ParameterSpec")


@_attrs_define
class ParameterSpec:
    """A parameter of a model: its type, its default and the values that it allows.

    With a `default` of None, nothing is sent unless the caller sets the parameter. `min` and `max` are inclusive; None
    means no bound. `choices` is set for the type "choice", and for an object with a type of its own. An array contains
    strings, and `max` is its maximum length. The `max` of a string is its maximum number of characters.

        Attributes:
            type_ (ParameterSpecType):
            description (str):
            default (Any):
            min_ (float | int | None):
            max_ (float | int | None):
            choices (list[Any] | None):
    """

    type_: ParameterSpecType
    description: str
    default: Any
    min_: float | int | None
    max_: float | int | None
    choices: list[Any] | None
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        type_: str = self.type_

        description = self.description

        default = self.default

        min_: float | int | None
        min_ = self.min_

        max_: float | int | None
        max_ = self.max_

        choices: list[Any] | None
        if isinstance(self.choices, list):
            choices = self.choices

        else:
            choices = self.choices

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "type": type_,
                "description": description,
                "default": default,
                "min": min_,
                "max": max_,
                "choices": choices,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        type_ = check_parameter_spec_type(d.pop("type"))

        description = d.pop("description")

        default = d.pop("default")

        def _parse_min_(data: object) -> float | int | None:
            if data is None:
                return data
            return cast(float | int | None, data)

        min_ = _parse_min_(d.pop("min"))

        def _parse_max_(data: object) -> float | int | None:
            if data is None:
                return data
            return cast(float | int | None, data)

        max_ = _parse_max_(d.pop("max"))

        def _parse_choices(data: object) -> list[Any] | None:
            if data is None:
                return data
            try:
                if not isinstance(data, list):
                    raise TypeError()
                choices_type_0 = cast(list[Any], data)

                return choices_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(list[Any] | None, data)

        choices = _parse_choices(d.pop("choices"))

        parameter_spec = cls(
            type_=type_,
            description=description,
            default=default,
            min_=min_,
            max_=max_,
            choices=choices,
        )

        parameter_spec.additional_properties = d
        return parameter_spec

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

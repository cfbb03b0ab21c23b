from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.text_options_verbosity_type_0 import (
    TextOptionsVerbosityType0,
    check_text_options_verbosity_type_0,
)
from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.text_options_format_type_0 import TextOptionsFormatType0


T = TypeVar("T", bound="TextOptions")


@_attrs_define
class TextOptions:
    """The form of the answer. `format`: text, JSON, or JSON of a schema.

    Attributes:
        format_ (None | TextOptionsFormatType0 | Unset):
        verbosity (None | TextOptionsVerbosityType0 | Unset):
    """

    format_: None | TextOptionsFormatType0 | Unset = UNSET
    verbosity: None | TextOptionsVerbosityType0 | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        from ..models.text_options_format_type_0 import TextOptionsFormatType0  # noqa: PLC0415

        format_: dict[str, Any] | None | Unset
        if isinstance(self.format_, Unset):
            format_ = UNSET
        elif isinstance(self.format_, TextOptionsFormatType0):
            format_ = self.format_.to_dict()
        else:
            format_ = self.format_

        verbosity: None | str | Unset
        if isinstance(self.verbosity, Unset):
            verbosity = UNSET
        elif isinstance(self.verbosity, str):
            verbosity = self.verbosity
        else:
            verbosity = self.verbosity

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update({})
        if format_ is not UNSET:
            field_dict["format"] = format_
        if verbosity is not UNSET:
            field_dict["verbosity"] = verbosity

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.text_options_format_type_0 import TextOptionsFormatType0  # noqa: PLC0415

        d = dict(src_dict)

        def _parse_format_(data: object) -> None | TextOptionsFormatType0 | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                format_type_0 = TextOptionsFormatType0.from_dict(data)

                return format_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(None | TextOptionsFormatType0 | Unset, data)

        format_ = _parse_format_(d.pop("format", UNSET))

        def _parse_verbosity(data: object) -> None | TextOptionsVerbosityType0 | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                verbosity_type_0 = check_text_options_verbosity_type_0(data)

                return verbosity_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(None | TextOptionsVerbosityType0 | Unset, data)

        verbosity = _parse_verbosity(d.pop("verbosity", UNSET))

        text_options = cls(
            format_=format_,
            verbosity=verbosity,
        )

        text_options.additional_properties = d
        return text_options

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

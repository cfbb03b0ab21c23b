from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

T = TypeVar("T", bound="GenerateCodeResponse")


@_attrs_define
class GenerateCodeResponse:
    """The response of `POST /agents/generate-code`. `thoughts`: the model's thoughts, or None.

    Attributes:
        code (str):
        friendly_name (str):
        docstring (str):
        thoughts (Any):
    """

    code: str
    friendly_name: str
    docstring: str
    thoughts: Any
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        code = self.code

        friendly_name = self.friendly_name

        docstring = self.docstring

        thoughts = self.thoughts

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "code": code,
                "friendlyName": friendly_name,
                "docstring": docstring,
                "thoughts": thoughts,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        code = d.pop("code")

        friendly_name = d.pop("friendlyName")

        docstring = d.pop("docstring")

        thoughts = d.pop("thoughts")

        generate_code_response = cls(
            code=code,
            friendly_name=friendly_name,
            docstring=docstring,
            thoughts=thoughts,
        )

        generate_code_response.additional_properties = d
        return generate_code_response

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

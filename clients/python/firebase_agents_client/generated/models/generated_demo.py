from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

T = TypeVar("T", bound="GeneratedDemo")


@_attrs_define
class GeneratedDemo:
    """The response of `POST /demos/generate-code`. `thoughts`: the model's thoughts, or None.

    Attributes:
        html (str):
        css (str):
        js (str):
        thoughts (Any):
    """

    html: str
    css: str
    js: str
    thoughts: Any
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        html = self.html

        css = self.css

        js = self.js

        thoughts = self.thoughts

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "html": html,
                "css": css,
                "js": js,
                "thoughts": thoughts,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        html = d.pop("html")

        css = d.pop("css")

        js = d.pop("js")

        thoughts = d.pop("thoughts")

        generated_demo = cls(
            html=html,
            css=css,
            js=js,
            thoughts=thoughts,
        )

        generated_demo.additional_properties = d
        return generated_demo

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

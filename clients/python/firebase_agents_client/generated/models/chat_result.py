from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.usage import Usage


T = TypeVar("T", bound="ChatResult")


@_attrs_define
class ChatResult:
    """A model's answer.

    `thoughts`: reasoning, tool calls and thinking blocks, or None. `model`: "provider/model". `cost`: US dollars.

        Attributes:
            content (str):
            thoughts (Any):
            model (str):
            usage (Usage): Tokens, as the provider counted them.
            cost (float):  Default: 0.0.
    """

    content: str
    thoughts: Any
    model: str
    usage: Usage
    cost: float = 0.0
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        content = self.content

        thoughts = self.thoughts

        model = self.model

        usage = self.usage.to_dict()

        cost = self.cost

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "content": content,
                "thoughts": thoughts,
                "model": model,
                "usage": usage,
                "cost": cost,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.usage import Usage  # noqa: PLC0415

        d = dict(src_dict)
        content = d.pop("content")

        thoughts = d.pop("thoughts")

        model = d.pop("model")

        usage = Usage.from_dict(d.pop("usage"))

        cost = d.pop("cost")

        chat_result = cls(
            content=content,
            thoughts=thoughts,
            model=model,
            usage=usage,
            cost=cost,
        )

        chat_result.additional_properties = d
        return chat_result

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

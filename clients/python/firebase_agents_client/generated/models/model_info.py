from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.built_in_tool import BuiltInTool
    from ..models.model_info_parameters import ModelInfoParameters
    from ..models.prices import Prices


T = TypeVar("T", bound="ModelInfo")


@_attrs_define
class ModelInfo:
    """A model: how it may be called, and what it costs. `prices` is None if they are not known in advance.

    Attributes:
        description (str):  Default: ''.
        context_window (int | None): the most prompt tokens that the model reads; the answer may count against them
        max_output_tokens (int | None):
        prices (None | Prices):
        abilities (list[str]):
        parameters (ModelInfoParameters):
        built_in_tools (list[BuiltInTool]):
    """

    context_window: int | None
    max_output_tokens: int | None
    prices: None | Prices
    abilities: list[str]
    parameters: ModelInfoParameters
    built_in_tools: list[BuiltInTool]
    description: str = ""
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        from ..models.prices import Prices  # noqa: PLC0415

        description = self.description

        context_window: int | None
        context_window = self.context_window

        max_output_tokens: int | None
        max_output_tokens = self.max_output_tokens

        prices: dict[str, Any] | None
        if isinstance(self.prices, Prices):
            prices = self.prices.to_dict()
        else:
            prices = self.prices

        abilities = self.abilities

        parameters = self.parameters.to_dict()

        built_in_tools = []
        for built_in_tools_item_data in self.built_in_tools:
            built_in_tools_item = built_in_tools_item_data.to_dict()
            built_in_tools.append(built_in_tools_item)

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "description": description,
                "context_window": context_window,
                "max_output_tokens": max_output_tokens,
                "prices": prices,
                "abilities": abilities,
                "parameters": parameters,
                "built_in_tools": built_in_tools,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.built_in_tool import BuiltInTool  # noqa: PLC0415
        from ..models.model_info_parameters import ModelInfoParameters  # noqa: PLC0415
        from ..models.prices import Prices  # noqa: PLC0415

        d = dict(src_dict)
        description = d.pop("description")

        def _parse_context_window(data: object) -> int | None:
            if data is None:
                return data
            return cast(int | None, data)

        context_window = _parse_context_window(d.pop("context_window"))

        def _parse_max_output_tokens(data: object) -> int | None:
            if data is None:
                return data
            return cast(int | None, data)

        max_output_tokens = _parse_max_output_tokens(d.pop("max_output_tokens"))

        def _parse_prices(data: object) -> None | Prices:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                prices_type_0 = Prices.from_dict(data)

                return prices_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(None | Prices, data)

        prices = _parse_prices(d.pop("prices"))

        abilities = cast(list[str], d.pop("abilities"))

        parameters = ModelInfoParameters.from_dict(d.pop("parameters"))

        built_in_tools = []
        _built_in_tools = d.pop("built_in_tools")
        for built_in_tools_item_data in _built_in_tools:
            built_in_tools_item = BuiltInTool.from_dict(built_in_tools_item_data)

            built_in_tools.append(built_in_tools_item)

        model_info = cls(
            description=description,
            context_window=context_window,
            max_output_tokens=max_output_tokens,
            prices=prices,
            abilities=abilities,
            parameters=parameters,
            built_in_tools=built_in_tools,
        )

        model_info.additional_properties = d
        return model_info

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

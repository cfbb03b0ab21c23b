from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.provider_config_parameters import ProviderConfigParameters


T = TypeVar("T", bound="ProviderConfig")


@_attrs_define
class ProviderConfig:
    """A model and the parameters to call it with.

    Attributes:
        provider (str):
        model (str):
        parameters (ProviderConfigParameters | Unset):
        built_in_tool (None | str | Unset):
    """

    provider: str
    model: str
    parameters: ProviderConfigParameters | Unset = UNSET
    built_in_tool: None | str | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        provider = self.provider

        model = self.model

        parameters: dict[str, Any] | Unset = UNSET
        if not isinstance(self.parameters, Unset):
            parameters = self.parameters.to_dict()

        built_in_tool: None | str | Unset
        if isinstance(self.built_in_tool, Unset):
            built_in_tool = UNSET
        else:
            built_in_tool = self.built_in_tool

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "provider": provider,
                "model": model,
            }
        )
        if parameters is not UNSET:
            field_dict["parameters"] = parameters
        if built_in_tool is not UNSET:
            field_dict["builtInTool"] = built_in_tool

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.provider_config_parameters import ProviderConfigParameters  # noqa: PLC0415

        d = dict(src_dict)
        provider = d.pop("provider")

        model = d.pop("model")

        _parameters = d.pop("parameters", UNSET)
        parameters: ProviderConfigParameters | Unset
        if isinstance(_parameters, Unset):
            parameters = UNSET
        else:
            parameters = ProviderConfigParameters.from_dict(_parameters)

        def _parse_built_in_tool(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        built_in_tool = _parse_built_in_tool(d.pop("builtInTool", UNSET))

        provider_config = cls(
            provider=provider,
            model=model,
            parameters=parameters,
            built_in_tool=built_in_tool,
        )

        provider_config.additional_properties = d
        return provider_config

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

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.provider_config import ProviderConfig
    from ..models.selected_api import SelectedApi


T = TypeVar("T", bound="GenerateDemoRequest")


@_attrs_define
class GenerateDemoRequest:
    """The request body of `POST /demos/generate-code`: what the page should do, and which deployments it may call.

    Attributes:
        user_prompt (str):
        selected_apis (list[SelectedApi]):
        model_config (ProviderConfig): A model and the parameters to call it with.
        built_in_tools (list[str] | Unset):
    """

    user_prompt: str
    selected_apis: list[SelectedApi]
    model_config: ProviderConfig
    built_in_tools: list[str] | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        user_prompt = self.user_prompt

        selected_apis = []
        for selected_apis_item_data in self.selected_apis:
            selected_apis_item = selected_apis_item_data.to_dict()
            selected_apis.append(selected_apis_item)

        model_config = self.model_config.to_dict()

        built_in_tools: list[str] | Unset = UNSET
        if not isinstance(self.built_in_tools, Unset):
            built_in_tools = self.built_in_tools

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "userPrompt": user_prompt,
                "selectedApis": selected_apis,
                "modelConfig": model_config,
            }
        )
        if built_in_tools is not UNSET:
            field_dict["builtInTools"] = built_in_tools

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.provider_config import ProviderConfig  # noqa: PLC0415
        from ..models.selected_api import SelectedApi  # noqa: PLC0415

        d = dict(src_dict)
        user_prompt = d.pop("userPrompt")

        selected_apis = []
        _selected_apis = d.pop("selectedApis")
        for selected_apis_item_data in _selected_apis:
            selected_apis_item = SelectedApi.from_dict(selected_apis_item_data)

            selected_apis.append(selected_apis_item)

        model_config = ProviderConfig.from_dict(d.pop("modelConfig"))

        built_in_tools = cast(list[str], d.pop("builtInTools", UNSET))

        generate_demo_request = cls(
            user_prompt=user_prompt,
            selected_apis=selected_apis,
            model_config=model_config,
            built_in_tools=built_in_tools,
        )

        generate_demo_request.additional_properties = d
        return generate_demo_request

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

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.replace_demo_request_visibility import (
    ReplaceDemoRequestVisibility,
    check_replace_demo_request_visibility,
)
from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.demo_code import DemoCode
    from ..models.provider_config import ProviderConfig
    from ..models.selected_api import SelectedApi


T = TypeVar("T", bound="ReplaceDemoRequest")


@_attrs_define
class ReplaceDemoRequest:
    """The request body of `PUT /demos/{id}`: the whole demo. If `visibility` is not sent, it does not change.

    `rev`: the revision that the change is based on; it is refused if the demo has changed since.

        Attributes:
            name (str):
            selected_apis (list[SelectedApi]):
            model_config (ProviderConfig): A model and the parameters to call it with.
            user_prompt (str):
            generated_code (DemoCode): The parts of a page. `html` is the content of its body. `js` can use the constant
                `API_BASE_URL`.
            description (None | str | Unset):
            composer_thoughts (Any | Unset):
            visibility (ReplaceDemoRequestVisibility | Unset):  Default: 'private'.
            field_rev (None | str | Unset):
    """

    name: str
    selected_apis: list[SelectedApi]
    model_config: ProviderConfig
    user_prompt: str
    generated_code: DemoCode
    description: None | str | Unset = UNSET
    composer_thoughts: Any | Unset = UNSET
    visibility: ReplaceDemoRequestVisibility | Unset = "private"
    field_rev: None | str | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        name = self.name

        selected_apis = []
        for selected_apis_item_data in self.selected_apis:
            selected_apis_item = selected_apis_item_data.to_dict()
            selected_apis.append(selected_apis_item)

        model_config = self.model_config.to_dict()

        user_prompt = self.user_prompt

        generated_code = self.generated_code.to_dict()

        description: None | str | Unset
        if isinstance(self.description, Unset):
            description = UNSET
        else:
            description = self.description

        composer_thoughts = self.composer_thoughts

        visibility: str | Unset = UNSET
        if not isinstance(self.visibility, Unset):
            visibility = self.visibility

        field_rev: None | str | Unset
        if isinstance(self.field_rev, Unset):
            field_rev = UNSET
        else:
            field_rev = self.field_rev

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "name": name,
                "selectedApis": selected_apis,
                "modelConfig": model_config,
                "userPrompt": user_prompt,
                "generatedCode": generated_code,
            }
        )
        if description is not UNSET:
            field_dict["description"] = description
        if composer_thoughts is not UNSET:
            field_dict["composerThoughts"] = composer_thoughts
        if visibility is not UNSET:
            field_dict["visibility"] = visibility
        if field_rev is not UNSET:
            field_dict["_rev"] = field_rev

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.demo_code import DemoCode  # noqa: PLC0415
        from ..models.provider_config import ProviderConfig  # noqa: PLC0415
        from ..models.selected_api import SelectedApi  # noqa: PLC0415

        d = dict(src_dict)
        name = d.pop("name")

        selected_apis = []
        _selected_apis = d.pop("selectedApis")
        for selected_apis_item_data in _selected_apis:
            selected_apis_item = SelectedApi.from_dict(selected_apis_item_data)

            selected_apis.append(selected_apis_item)

        model_config = ProviderConfig.from_dict(d.pop("modelConfig"))

        user_prompt = d.pop("userPrompt")

        generated_code = DemoCode.from_dict(d.pop("generatedCode"))

        def _parse_description(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        description = _parse_description(d.pop("description", UNSET))

        composer_thoughts = d.pop("composerThoughts", UNSET)

        _visibility = d.pop("visibility", UNSET)
        visibility: ReplaceDemoRequestVisibility | Unset
        if isinstance(_visibility, Unset):
            visibility = UNSET
        else:
            visibility = check_replace_demo_request_visibility(_visibility)

        def _parse_field_rev(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        field_rev = _parse_field_rev(d.pop("_rev", UNSET))

        replace_demo_request = cls(
            name=name,
            selected_apis=selected_apis,
            model_config=model_config,
            user_prompt=user_prompt,
            generated_code=generated_code,
            description=description,
            composer_thoughts=composer_thoughts,
            visibility=visibility,
            field_rev=field_rev,
        )

        replace_demo_request.additional_properties = d
        return replace_demo_request

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

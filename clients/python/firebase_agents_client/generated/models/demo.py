from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.demo_visibility import DemoVisibility, check_demo_visibility

if TYPE_CHECKING:
    from ..models.demo_code import DemoCode
    from ..models.provider_config import ProviderConfig
    from ..models.selected_api import SelectedApi


T = TypeVar("T", bound="Demo")


@_attrs_define
class Demo:
    """A demo as the API returns it.

    Attributes:
        name (str):
        description (None | str):
        selected_apis (list[SelectedApi]):
        model_config (ProviderConfig): A model and the parameters to call it with.
        user_prompt (str):
        generated_code (DemoCode): The parts of a page. `html` is the content of its body. `js` can use the constant
            `API_BASE_URL`.
        composer_thoughts (Any):
        visibility (DemoVisibility):  Default: 'private'.
        field_id (str):
        field_rev (str):
        created_at (datetime.datetime):
        updated_at (datetime.datetime):
    """

    name: str
    description: None | str
    selected_apis: list[SelectedApi]
    model_config: ProviderConfig
    user_prompt: str
    generated_code: DemoCode
    composer_thoughts: Any
    field_id: str
    field_rev: str
    created_at: datetime.datetime
    updated_at: datetime.datetime
    visibility: DemoVisibility = "private"
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        name = self.name

        description: None | str
        description = self.description

        selected_apis = []
        for selected_apis_item_data in self.selected_apis:
            selected_apis_item = selected_apis_item_data.to_dict()
            selected_apis.append(selected_apis_item)

        model_config = self.model_config.to_dict()

        user_prompt = self.user_prompt

        generated_code = self.generated_code.to_dict()

        composer_thoughts = self.composer_thoughts

        visibility: str = self.visibility

        field_id = self.field_id

        field_rev = self.field_rev

        created_at = self.created_at.isoformat()

        updated_at = self.updated_at.isoformat()

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "name": name,
                "description": description,
                "selectedApis": selected_apis,
                "modelConfig": model_config,
                "userPrompt": user_prompt,
                "generatedCode": generated_code,
                "composerThoughts": composer_thoughts,
                "visibility": visibility,
                "_id": field_id,
                "_rev": field_rev,
                "createdAt": created_at,
                "updatedAt": updated_at,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.demo_code import DemoCode  # noqa: PLC0415
        from ..models.provider_config import ProviderConfig  # noqa: PLC0415
        from ..models.selected_api import SelectedApi  # noqa: PLC0415

        d = dict(src_dict)
        name = d.pop("name")

        def _parse_description(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        description = _parse_description(d.pop("description"))

        selected_apis = []
        _selected_apis = d.pop("selectedApis")
        for selected_apis_item_data in _selected_apis:
            selected_apis_item = SelectedApi.from_dict(selected_apis_item_data)

            selected_apis.append(selected_apis_item)

        model_config = ProviderConfig.from_dict(d.pop("modelConfig"))

        user_prompt = d.pop("userPrompt")

        generated_code = DemoCode.from_dict(d.pop("generatedCode"))

        composer_thoughts = d.pop("composerThoughts")

        visibility = check_demo_visibility(d.pop("visibility"))

        field_id = d.pop("_id")

        field_rev = d.pop("_rev")

        created_at = datetime.datetime.fromisoformat(d.pop("createdAt"))

        updated_at = datetime.datetime.fromisoformat(d.pop("updatedAt"))

        demo = cls(
            name=name,
            description=description,
            selected_apis=selected_apis,
            model_config=model_config,
            user_prompt=user_prompt,
            generated_code=generated_code,
            composer_thoughts=composer_thoughts,
            visibility=visibility,
            field_id=field_id,
            field_rev=field_rev,
            created_at=created_at,
            updated_at=updated_at,
        )

        demo.additional_properties = d
        return demo

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

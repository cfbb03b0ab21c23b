from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.selected_api_input_schema_type_0 import SelectedApiInputSchemaType0
    from ..models.selected_api_output_schema_type_0 import SelectedApiOutputSchemaType0


T = TypeVar("T", bound="SelectedApi")


@_attrs_define
class SelectedApi:
    """An entry of `GET /deployments`, as a frontend sends it back. Only its name is used.

    Attributes:
        friendly_name (str):
        agent_id (str | Unset):  Default: ''.
        description (str | Unset):  Default: ''.
        input_schema (None | SelectedApiInputSchemaType0 | Unset):
        output_schema (None | SelectedApiOutputSchemaType0 | Unset):
    """

    friendly_name: str
    agent_id: str | Unset = ""
    description: str | Unset = ""
    input_schema: None | SelectedApiInputSchemaType0 | Unset = UNSET
    output_schema: None | SelectedApiOutputSchemaType0 | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        from ..models.selected_api_input_schema_type_0 import (
            SelectedApiInputSchemaType0,  # noqa: PLC0415
        )
        from ..models.selected_api_output_schema_type_0 import (
            SelectedApiOutputSchemaType0,  # noqa: PLC0415
        )

        friendly_name = self.friendly_name

        agent_id = self.agent_id

        description = self.description

        input_schema: dict[str, Any] | None | Unset
        if isinstance(self.input_schema, Unset):
            input_schema = UNSET
        elif isinstance(self.input_schema, SelectedApiInputSchemaType0):
            input_schema = self.input_schema.to_dict()
        else:
            input_schema = self.input_schema

        output_schema: dict[str, Any] | None | Unset
        if isinstance(self.output_schema, Unset):
            output_schema = UNSET
        elif isinstance(self.output_schema, SelectedApiOutputSchemaType0):
            output_schema = self.output_schema.to_dict()
        else:
            output_schema = self.output_schema

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "friendlyName": friendly_name,
            }
        )
        if agent_id is not UNSET:
            field_dict["agentId"] = agent_id
        if description is not UNSET:
            field_dict["description"] = description
        if input_schema is not UNSET:
            field_dict["inputSchema"] = input_schema
        if output_schema is not UNSET:
            field_dict["outputSchema"] = output_schema

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.selected_api_input_schema_type_0 import (
            SelectedApiInputSchemaType0,  # noqa: PLC0415
        )
        from ..models.selected_api_output_schema_type_0 import (
            SelectedApiOutputSchemaType0,  # noqa: PLC0415
        )

        d = dict(src_dict)
        friendly_name = d.pop("friendlyName")

        agent_id = d.pop("agentId", UNSET)

        description = d.pop("description", UNSET)

        def _parse_input_schema(data: object) -> None | SelectedApiInputSchemaType0 | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                input_schema_type_0 = SelectedApiInputSchemaType0.from_dict(data)

                return input_schema_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(None | SelectedApiInputSchemaType0 | Unset, data)

        input_schema = _parse_input_schema(d.pop("inputSchema", UNSET))

        def _parse_output_schema(data: object) -> None | SelectedApiOutputSchemaType0 | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                output_schema_type_0 = SelectedApiOutputSchemaType0.from_dict(data)

                return output_schema_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(None | SelectedApiOutputSchemaType0 | Unset, data)

        output_schema = _parse_output_schema(d.pop("outputSchema", UNSET))

        selected_api = cls(
            friendly_name=friendly_name,
            agent_id=agent_id,
            description=description,
            input_schema=input_schema,
            output_schema=output_schema,
        )

        selected_api.additional_properties = d
        return selected_api

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

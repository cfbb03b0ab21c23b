from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.deployed_api_input_schema_type_0 import DeployedApiInputSchemaType0
    from ..models.deployed_api_output_schema_type_0 import DeployedApiOutputSchemaType0


T = TypeVar("T", bound="DeployedApi")


@_attrs_define
class DeployedApi:
    """An entry of `GET /deployments`.

    Attributes:
        friendly_name (str):
        agent_id (str):
        description (str):
        input_schema (DeployedApiInputSchemaType0 | None):
        output_schema (DeployedApiOutputSchemaType0 | None):
    """

    friendly_name: str
    agent_id: str
    description: str
    input_schema: DeployedApiInputSchemaType0 | None
    output_schema: DeployedApiOutputSchemaType0 | None
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        from ..models.deployed_api_input_schema_type_0 import (
            DeployedApiInputSchemaType0,  # noqa: PLC0415
        )
        from ..models.deployed_api_output_schema_type_0 import (
            DeployedApiOutputSchemaType0,  # noqa: PLC0415
        )

        friendly_name = self.friendly_name

        agent_id = self.agent_id

        description = self.description

        input_schema: dict[str, Any] | None
        if isinstance(self.input_schema, DeployedApiInputSchemaType0):
            input_schema = self.input_schema.to_dict()
        else:
            input_schema = self.input_schema

        output_schema: dict[str, Any] | None
        if isinstance(self.output_schema, DeployedApiOutputSchemaType0):
            output_schema = self.output_schema.to_dict()
        else:
            output_schema = self.output_schema

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "friendlyName": friendly_name,
                "agentId": agent_id,
                "description": description,
                "inputSchema": input_schema,
                "outputSchema": output_schema,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.deployed_api_input_schema_type_0 import (
            DeployedApiInputSchemaType0,  # noqa: PLC0415
        )
        from ..models.deployed_api_output_schema_type_0 import (
            DeployedApiOutputSchemaType0,  # noqa: PLC0415
        )

        d = dict(src_dict)
        friendly_name = d.pop("friendlyName")

        agent_id = d.pop("agentId")

        description = d.pop("description")

        def _parse_input_schema(data: object) -> DeployedApiInputSchemaType0 | None:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                input_schema_type_0 = DeployedApiInputSchemaType0.from_dict(data)

                return input_schema_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(DeployedApiInputSchemaType0 | None, data)

        input_schema = _parse_input_schema(d.pop("inputSchema"))

        def _parse_output_schema(data: object) -> DeployedApiOutputSchemaType0 | None:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                output_schema_type_0 = DeployedApiOutputSchemaType0.from_dict(data)

                return output_schema_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(DeployedApiOutputSchemaType0 | None, data)

        output_schema = _parse_output_schema(d.pop("outputSchema"))

        deployed_api = cls(
            friendly_name=friendly_name,
            agent_id=agent_id,
            description=description,
            input_schema=input_schema,
            output_schema=output_schema,
        )

        deployed_api.additional_properties = d
        return deployed_api

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

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.update_agent_request_visibility import (
    UpdateAgentRequestVisibility,
    check_update_agent_request_visibility,
)
from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.provider_config import ProviderConfig
    from ..models.swagger_spec import SwaggerSpec
    from ..models.update_agent_request_input_schema_type_0 import (
        UpdateAgentRequestInputSchemaType0,
    )
    from ..models.update_agent_request_output_schema_type_0 import (
        UpdateAgentRequestOutputSchemaType0,
    )
    from ..models.update_agent_request_tools import UpdateAgentRequestTools


T = TypeVar("T", bound="UpdateAgentRequest")


@_attrs_define
class UpdateAgentRequest:
    """The request body of `PUT /agents/{id}`: only the fields that are sent change. Null clears an optional field.

    `rev`: the revision that the change is based on; it is refused if the agent has changed since.

        Attributes:
            field_rev (None | str | Unset):
            name (str | Unset):
            description (str | Unset):
            code (str | Unset):
            docstring (None | str | Unset):
            friendly_name (None | str | Unset):
            tools (UpdateAgentRequestTools | Unset):
            swagger_specs (list[SwaggerSpec] | Unset):
            input_schema (None | Unset | UpdateAgentRequestInputSchemaType0):
            output_schema (None | Unset | UpdateAgentRequestOutputSchemaType0):
            invokable_models (list[ProviderConfig] | Unset):
            gofannon_agents (list[str] | Unset):
            composer_thoughts (Any | Unset):
            composer_model_config (None | ProviderConfig | Unset):
            visibility (UpdateAgentRequestVisibility | Unset):
    """

    field_rev: None | str | Unset = UNSET
    name: str | Unset = UNSET
    description: str | Unset = UNSET
    code: str | Unset = UNSET
    docstring: None | str | Unset = UNSET
    friendly_name: None | str | Unset = UNSET
    tools: UpdateAgentRequestTools | Unset = UNSET
    swagger_specs: list[SwaggerSpec] | Unset = UNSET
    input_schema: None | Unset | UpdateAgentRequestInputSchemaType0 = UNSET
    output_schema: None | Unset | UpdateAgentRequestOutputSchemaType0 = UNSET
    invokable_models: list[ProviderConfig] | Unset = UNSET
    gofannon_agents: list[str] | Unset = UNSET
    composer_thoughts: Any | Unset = UNSET
    composer_model_config: None | ProviderConfig | Unset = UNSET
    visibility: UpdateAgentRequestVisibility | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        from ..models.provider_config import ProviderConfig  # noqa: PLC0415
        from ..models.update_agent_request_input_schema_type_0 import (
            UpdateAgentRequestInputSchemaType0,  # noqa: PLC0415
        )
        from ..models.update_agent_request_output_schema_type_0 import (
            UpdateAgentRequestOutputSchemaType0,  # noqa: PLC0415
        )

        field_rev: None | str | Unset
        if isinstance(self.field_rev, Unset):
            field_rev = UNSET
        else:
            field_rev = self.field_rev

        name = self.name

        description = self.description

        code = self.code

        docstring: None | str | Unset
        if isinstance(self.docstring, Unset):
            docstring = UNSET
        else:
            docstring = self.docstring

        friendly_name: None | str | Unset
        if isinstance(self.friendly_name, Unset):
            friendly_name = UNSET
        else:
            friendly_name = self.friendly_name

        tools: dict[str, Any] | Unset = UNSET
        if not isinstance(self.tools, Unset):
            tools = self.tools.to_dict()

        swagger_specs: list[dict[str, Any]] | Unset = UNSET
        if not isinstance(self.swagger_specs, Unset):
            swagger_specs = []
            for swagger_specs_item_data in self.swagger_specs:
                swagger_specs_item = swagger_specs_item_data.to_dict()
                swagger_specs.append(swagger_specs_item)

        input_schema: dict[str, Any] | None | Unset
        if isinstance(self.input_schema, Unset):
            input_schema = UNSET
        elif isinstance(self.input_schema, UpdateAgentRequestInputSchemaType0):
            input_schema = self.input_schema.to_dict()
        else:
            input_schema = self.input_schema

        output_schema: dict[str, Any] | None | Unset
        if isinstance(self.output_schema, Unset):
            output_schema = UNSET
        elif isinstance(self.output_schema, UpdateAgentRequestOutputSchemaType0):
            output_schema = self.output_schema.to_dict()
        else:
            output_schema = self.output_schema

        invokable_models: list[dict[str, Any]] | Unset = UNSET
        if not isinstance(self.invokable_models, Unset):
            invokable_models = []
            for invokable_models_item_data in self.invokable_models:
                invokable_models_item = invokable_models_item_data.to_dict()
                invokable_models.append(invokable_models_item)

        gofannon_agents: list[str] | Unset = UNSET
        if not isinstance(self.gofannon_agents, Unset):
            gofannon_agents = self.gofannon_agents

        composer_thoughts = self.composer_thoughts

        composer_model_config: dict[str, Any] | None | Unset
        if isinstance(self.composer_model_config, Unset):
            composer_model_config = UNSET
        elif isinstance(self.composer_model_config, ProviderConfig):
            composer_model_config = self.composer_model_config.to_dict()
        else:
            composer_model_config = self.composer_model_config

        visibility: str | Unset = UNSET
        if not isinstance(self.visibility, Unset):
            visibility = self.visibility

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update({})
        if field_rev is not UNSET:
            field_dict["_rev"] = field_rev
        if name is not UNSET:
            field_dict["name"] = name
        if description is not UNSET:
            field_dict["description"] = description
        if code is not UNSET:
            field_dict["code"] = code
        if docstring is not UNSET:
            field_dict["docstring"] = docstring
        if friendly_name is not UNSET:
            field_dict["friendlyName"] = friendly_name
        if tools is not UNSET:
            field_dict["tools"] = tools
        if swagger_specs is not UNSET:
            field_dict["swaggerSpecs"] = swagger_specs
        if input_schema is not UNSET:
            field_dict["inputSchema"] = input_schema
        if output_schema is not UNSET:
            field_dict["outputSchema"] = output_schema
        if invokable_models is not UNSET:
            field_dict["invokableModels"] = invokable_models
        if gofannon_agents is not UNSET:
            field_dict["gofannonAgents"] = gofannon_agents
        if composer_thoughts is not UNSET:
            field_dict["composerThoughts"] = composer_thoughts
        if composer_model_config is not UNSET:
            field_dict["composerModelConfig"] = composer_model_config
        if visibility is not UNSET:
            field_dict["visibility"] = visibility

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.provider_config import ProviderConfig  # noqa: PLC0415
        from ..models.swagger_spec import SwaggerSpec  # noqa: PLC0415
        from ..models.update_agent_request_input_schema_type_0 import (
            UpdateAgentRequestInputSchemaType0,  # noqa: PLC0415
        )
        from ..models.update_agent_request_output_schema_type_0 import (
            UpdateAgentRequestOutputSchemaType0,  # noqa: PLC0415
        )
        from ..models.update_agent_request_tools import UpdateAgentRequestTools  # noqa: PLC0415

        d = dict(src_dict)

        def _parse_field_rev(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        field_rev = _parse_field_rev(d.pop("_rev", UNSET))

        name = d.pop("name", UNSET)

        description = d.pop("description", UNSET)

        code = d.pop("code", UNSET)

        def _parse_docstring(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        docstring = _parse_docstring(d.pop("docstring", UNSET))

        def _parse_friendly_name(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        friendly_name = _parse_friendly_name(d.pop("friendlyName", UNSET))

        _tools = d.pop("tools", UNSET)
        tools: UpdateAgentRequestTools | Unset
        if isinstance(_tools, Unset):
            tools = UNSET
        else:
            tools = UpdateAgentRequestTools.from_dict(_tools)

        _swagger_specs = d.pop("swaggerSpecs", UNSET)
        swagger_specs: list[SwaggerSpec] | Unset = UNSET
        if _swagger_specs is not UNSET:
            swagger_specs = []
            for swagger_specs_item_data in _swagger_specs:
                swagger_specs_item = SwaggerSpec.from_dict(swagger_specs_item_data)

                swagger_specs.append(swagger_specs_item)

        def _parse_input_schema(data: object) -> None | Unset | UpdateAgentRequestInputSchemaType0:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                input_schema_type_0 = UpdateAgentRequestInputSchemaType0.from_dict(data)

                return input_schema_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(None | Unset | UpdateAgentRequestInputSchemaType0, data)

        input_schema = _parse_input_schema(d.pop("inputSchema", UNSET))

        def _parse_output_schema(data: object) -> None | Unset | UpdateAgentRequestOutputSchemaType0:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                output_schema_type_0 = UpdateAgentRequestOutputSchemaType0.from_dict(data)

                return output_schema_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(None | Unset | UpdateAgentRequestOutputSchemaType0, data)

        output_schema = _parse_output_schema(d.pop("outputSchema", UNSET))

        _invokable_models = d.pop("invokableModels", UNSET)
        invokable_models: list[ProviderConfig] | Unset = UNSET
        if _invokable_models is not UNSET:
            invokable_models = []
            for invokable_models_item_data in _invokable_models:
                invokable_models_item = ProviderConfig.from_dict(invokable_models_item_data)

                invokable_models.append(invokable_models_item)

        gofannon_agents = cast(list[str], d.pop("gofannonAgents", UNSET))

        composer_thoughts = d.pop("composerThoughts", UNSET)

        def _parse_composer_model_config(data: object) -> None | ProviderConfig | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                composer_model_config_type_0 = ProviderConfig.from_dict(data)

                return composer_model_config_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(None | ProviderConfig | Unset, data)

        composer_model_config = _parse_composer_model_config(d.pop("composerModelConfig", UNSET))

        _visibility = d.pop("visibility", UNSET)
        visibility: UpdateAgentRequestVisibility | Unset
        if isinstance(_visibility, Unset):
            visibility = UNSET
        else:
            visibility = check_update_agent_request_visibility(_visibility)

        update_agent_request = cls(
            field_rev=field_rev,
            name=name,
            description=description,
            code=code,
            docstring=docstring,
            friendly_name=friendly_name,
            tools=tools,
            swagger_specs=swagger_specs,
            input_schema=input_schema,
            output_schema=output_schema,
            invokable_models=invokable_models,
            gofannon_agents=gofannon_agents,
            composer_thoughts=composer_thoughts,
            composer_model_config=composer_model_config,
            visibility=visibility,
        )

        update_agent_request.additional_properties = d
        return update_agent_request

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

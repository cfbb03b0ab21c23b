from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.generate_code_request_input_schema_type_0 import (
        GenerateCodeRequestInputSchemaType0,
    )
    from ..models.generate_code_request_output_schema_type_0 import (
        GenerateCodeRequestOutputSchemaType0,
    )
    from ..models.generate_code_request_tools import GenerateCodeRequestTools
    from ..models.provider_config import ProviderConfig
    from ..models.swagger_spec import SwaggerSpec


T = TypeVar("T", bound="GenerateCodeRequest")


@_attrs_define
class GenerateCodeRequest:
    """The request body of `POST /agents/generate-code`: the agent's purpose and resources. `composer` writes it.

    Attributes:
        description (str):
        model_config (ProviderConfig): A model and the parameters to call it with.
        tools (GenerateCodeRequestTools | Unset):
        input_schema (GenerateCodeRequestInputSchemaType0 | None | Unset):
        output_schema (GenerateCodeRequestOutputSchemaType0 | None | Unset):
        invokable_models (list[ProviderConfig] | Unset):
        swagger_specs (list[SwaggerSpec] | Unset):
        gofannon_agents (list[str] | Unset):
        built_in_tools (list[str] | Unset):
    """

    description: str
    model_config: ProviderConfig
    tools: GenerateCodeRequestTools | Unset = UNSET
    input_schema: GenerateCodeRequestInputSchemaType0 | None | Unset = UNSET
    output_schema: GenerateCodeRequestOutputSchemaType0 | None | Unset = UNSET
    invokable_models: list[ProviderConfig] | Unset = UNSET
    swagger_specs: list[SwaggerSpec] | Unset = UNSET
    gofannon_agents: list[str] | Unset = UNSET
    built_in_tools: list[str] | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        from ..models.generate_code_request_input_schema_type_0 import (
            GenerateCodeRequestInputSchemaType0,  # noqa: PLC0415
        )
        from ..models.generate_code_request_output_schema_type_0 import (
            GenerateCodeRequestOutputSchemaType0,  # noqa: PLC0415
        )

        description = self.description

        model_config = self.model_config.to_dict()

        tools: dict[str, Any] | Unset = UNSET
        if not isinstance(self.tools, Unset):
            tools = self.tools.to_dict()

        input_schema: dict[str, Any] | None | Unset
        if isinstance(self.input_schema, Unset):
            input_schema = UNSET
        elif isinstance(self.input_schema, GenerateCodeRequestInputSchemaType0):
            input_schema = self.input_schema.to_dict()
        else:
            input_schema = self.input_schema

        output_schema: dict[str, Any] | None | Unset
        if isinstance(self.output_schema, Unset):
            output_schema = UNSET
        elif isinstance(self.output_schema, GenerateCodeRequestOutputSchemaType0):
            output_schema = self.output_schema.to_dict()
        else:
            output_schema = self.output_schema

        invokable_models: list[dict[str, Any]] | Unset = UNSET
        if not isinstance(self.invokable_models, Unset):
            invokable_models = []
            for invokable_models_item_data in self.invokable_models:
                invokable_models_item = invokable_models_item_data.to_dict()
                invokable_models.append(invokable_models_item)

        swagger_specs: list[dict[str, Any]] | Unset = UNSET
        if not isinstance(self.swagger_specs, Unset):
            swagger_specs = []
            for swagger_specs_item_data in self.swagger_specs:
                swagger_specs_item = swagger_specs_item_data.to_dict()
                swagger_specs.append(swagger_specs_item)

        gofannon_agents: list[str] | Unset = UNSET
        if not isinstance(self.gofannon_agents, Unset):
            gofannon_agents = self.gofannon_agents

        built_in_tools: list[str] | Unset = UNSET
        if not isinstance(self.built_in_tools, Unset):
            built_in_tools = self.built_in_tools

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "description": description,
                "modelConfig": model_config,
            }
        )
        if tools is not UNSET:
            field_dict["tools"] = tools
        if input_schema is not UNSET:
            field_dict["inputSchema"] = input_schema
        if output_schema is not UNSET:
            field_dict["outputSchema"] = output_schema
        if invokable_models is not UNSET:
            field_dict["invokableModels"] = invokable_models
        if swagger_specs is not UNSET:
            field_dict["swaggerSpecs"] = swagger_specs
        if gofannon_agents is not UNSET:
            field_dict["gofannonAgents"] = gofannon_agents
        if built_in_tools is not UNSET:
            field_dict["builtInTools"] = built_in_tools

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.generate_code_request_input_schema_type_0 import (
            GenerateCodeRequestInputSchemaType0,  # noqa: PLC0415
        )
        from ..models.generate_code_request_output_schema_type_0 import (
            GenerateCodeRequestOutputSchemaType0,  # noqa: PLC0415
        )
        from ..models.generate_code_request_tools import GenerateCodeRequestTools  # noqa: PLC0415
        from ..models.provider_config import ProviderConfig  # noqa: PLC0415
        from ..models.swagger_spec import SwaggerSpec  # noqa: PLC0415

        d = dict(src_dict)
        description = d.pop("description")

        model_config = ProviderConfig.from_dict(d.pop("modelConfig"))

        _tools = d.pop("tools", UNSET)
        tools: GenerateCodeRequestTools | Unset
        if isinstance(_tools, Unset):
            tools = UNSET
        else:
            tools = GenerateCodeRequestTools.from_dict(_tools)

        def _parse_input_schema(data: object) -> GenerateCodeRequestInputSchemaType0 | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                input_schema_type_0 = GenerateCodeRequestInputSchemaType0.from_dict(data)

                return input_schema_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(GenerateCodeRequestInputSchemaType0 | None | Unset, data)

        input_schema = _parse_input_schema(d.pop("inputSchema", UNSET))

        def _parse_output_schema(data: object) -> GenerateCodeRequestOutputSchemaType0 | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                output_schema_type_0 = GenerateCodeRequestOutputSchemaType0.from_dict(data)

                return output_schema_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(GenerateCodeRequestOutputSchemaType0 | None | Unset, data)

        output_schema = _parse_output_schema(d.pop("outputSchema", UNSET))

        _invokable_models = d.pop("invokableModels", UNSET)
        invokable_models: list[ProviderConfig] | Unset = UNSET
        if _invokable_models is not UNSET:
            invokable_models = []
            for invokable_models_item_data in _invokable_models:
                invokable_models_item = ProviderConfig.from_dict(invokable_models_item_data)

                invokable_models.append(invokable_models_item)

        _swagger_specs = d.pop("swaggerSpecs", UNSET)
        swagger_specs: list[SwaggerSpec] | Unset = UNSET
        if _swagger_specs is not UNSET:
            swagger_specs = []
            for swagger_specs_item_data in _swagger_specs:
                swagger_specs_item = SwaggerSpec.from_dict(swagger_specs_item_data)

                swagger_specs.append(swagger_specs_item)

        gofannon_agents = cast(list[str], d.pop("gofannonAgents", UNSET))

        built_in_tools = cast(list[str], d.pop("builtInTools", UNSET))

        generate_code_request = cls(
            description=description,
            model_config=model_config,
            tools=tools,
            input_schema=input_schema,
            output_schema=output_schema,
            invokable_models=invokable_models,
            swagger_specs=swagger_specs,
            gofannon_agents=gofannon_agents,
            built_in_tools=built_in_tools,
        )

        generate_code_request.additional_properties = d
        return generate_code_request

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

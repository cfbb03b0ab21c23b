from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import (
    TYPE_CHECKING,
    Any,
    Literal,
    TypeVar,
    cast,
)

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.agent_visibility import AgentVisibility, check_agent_visibility
from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.agent_input_schema_type_0 import AgentInputSchemaType0
    from ..models.agent_output_schema_type_0 import AgentOutputSchemaType0
    from ..models.agent_tools import AgentTools
    from ..models.code_warning import CodeWarning
    from ..models.provider_config import ProviderConfig
    from ..models.swagger_spec import SwaggerSpec


T = TypeVar("T", bound="Agent")


@_attrs_define
class Agent:
    """An agent as the API returns it. `warnings` and `engine`, which runs it, are only in responses to changes.

    Attributes:
        name (str):
        description (str):  Default: ''.
        code (str):
        docstring (None | str):
        friendly_name (None | str):
        tools (AgentTools):
        swagger_specs (list[SwaggerSpec]):
        input_schema (AgentInputSchemaType0 | None):
        output_schema (AgentOutputSchemaType0 | None):
        invokable_models (list[ProviderConfig]):
        gofannon_agents (list[str]):
        composer_thoughts (Any):
        composer_model_config (None | ProviderConfig):
        visibility (AgentVisibility):  Default: 'private'.
        field_id (str):
        field_rev (str):
        created_at (datetime.datetime):
        updated_at (datetime.datetime):
        warnings (list[CodeWarning] | None | Unset):
        engine (Literal['python'] | None | Unset):
    """

    name: str
    code: str
    docstring: None | str
    friendly_name: None | str
    tools: AgentTools
    swagger_specs: list[SwaggerSpec]
    input_schema: AgentInputSchemaType0 | None
    output_schema: AgentOutputSchemaType0 | None
    invokable_models: list[ProviderConfig]
    gofannon_agents: list[str]
    composer_thoughts: Any
    composer_model_config: None | ProviderConfig
    field_id: str
    field_rev: str
    created_at: datetime.datetime
    updated_at: datetime.datetime
    description: str = ""
    visibility: AgentVisibility = "private"
    warnings: list[CodeWarning] | None | Unset = UNSET
    engine: Literal["python"] | None | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        from ..models.agent_input_schema_type_0 import AgentInputSchemaType0  # noqa: PLC0415
        from ..models.agent_output_schema_type_0 import AgentOutputSchemaType0  # noqa: PLC0415
        from ..models.provider_config import ProviderConfig  # noqa: PLC0415

        name = self.name

        description = self.description

        code = self.code

        docstring: None | str
        docstring = self.docstring

        friendly_name: None | str
        friendly_name = self.friendly_name

        tools = self.tools.to_dict()

        swagger_specs = []
        for swagger_specs_item_data in self.swagger_specs:
            swagger_specs_item = swagger_specs_item_data.to_dict()
            swagger_specs.append(swagger_specs_item)

        input_schema: dict[str, Any] | None
        if isinstance(self.input_schema, AgentInputSchemaType0):
            input_schema = self.input_schema.to_dict()
        else:
            input_schema = self.input_schema

        output_schema: dict[str, Any] | None
        if isinstance(self.output_schema, AgentOutputSchemaType0):
            output_schema = self.output_schema.to_dict()
        else:
            output_schema = self.output_schema

        invokable_models = []
        for invokable_models_item_data in self.invokable_models:
            invokable_models_item = invokable_models_item_data.to_dict()
            invokable_models.append(invokable_models_item)

        gofannon_agents = self.gofannon_agents

        composer_thoughts = self.composer_thoughts

        composer_model_config: dict[str, Any] | None
        if isinstance(self.composer_model_config, ProviderConfig):
            composer_model_config = self.composer_model_config.to_dict()
        else:
            composer_model_config = self.composer_model_config

        visibility: str = self.visibility

        field_id = self.field_id

        field_rev = self.field_rev

        created_at = self.created_at.isoformat()

        updated_at = self.updated_at.isoformat()

        warnings: list[dict[str, Any]] | None | Unset
        if isinstance(self.warnings, Unset):
            warnings = UNSET
        elif isinstance(self.warnings, list):
            warnings = []
            for warnings_type_0_item_data in self.warnings:
                warnings_type_0_item = warnings_type_0_item_data.to_dict()
                warnings.append(warnings_type_0_item)

        else:
            warnings = self.warnings

        engine: Literal["python"] | None | Unset
        if isinstance(self.engine, Unset):
            engine = UNSET
        else:
            engine = self.engine

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "name": name,
                "description": description,
                "code": code,
                "docstring": docstring,
                "friendlyName": friendly_name,
                "tools": tools,
                "swaggerSpecs": swagger_specs,
                "inputSchema": input_schema,
                "outputSchema": output_schema,
                "invokableModels": invokable_models,
                "gofannonAgents": gofannon_agents,
                "composerThoughts": composer_thoughts,
                "composerModelConfig": composer_model_config,
                "visibility": visibility,
                "_id": field_id,
                "_rev": field_rev,
                "createdAt": created_at,
                "updatedAt": updated_at,
            }
        )
        if warnings is not UNSET:
            field_dict["warnings"] = warnings
        if engine is not UNSET:
            field_dict["engine"] = engine

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.agent_input_schema_type_0 import AgentInputSchemaType0  # noqa: PLC0415
        from ..models.agent_output_schema_type_0 import AgentOutputSchemaType0  # noqa: PLC0415
        from ..models.agent_tools import AgentTools  # noqa: PLC0415
        from ..models.code_warning import CodeWarning  # noqa: PLC0415
        from ..models.provider_config import ProviderConfig  # noqa: PLC0415
        from ..models.swagger_spec import SwaggerSpec  # noqa: PLC0415

        d = dict(src_dict)
        name = d.pop("name")

        description = d.pop("description")

        code = d.pop("code")

        def _parse_docstring(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        docstring = _parse_docstring(d.pop("docstring"))

        def _parse_friendly_name(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        friendly_name = _parse_friendly_name(d.pop("friendlyName"))

        tools = AgentTools.from_dict(d.pop("tools"))

        swagger_specs = []
        _swagger_specs = d.pop("swaggerSpecs")
        for swagger_specs_item_data in _swagger_specs:
            swagger_specs_item = SwaggerSpec.from_dict(swagger_specs_item_data)

            swagger_specs.append(swagger_specs_item)

        def _parse_input_schema(data: object) -> AgentInputSchemaType0 | None:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                input_schema_type_0 = AgentInputSchemaType0.from_dict(data)

                return input_schema_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(AgentInputSchemaType0 | None, data)

        input_schema = _parse_input_schema(d.pop("inputSchema"))

        def _parse_output_schema(data: object) -> AgentOutputSchemaType0 | None:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                output_schema_type_0 = AgentOutputSchemaType0.from_dict(data)

                return output_schema_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(AgentOutputSchemaType0 | None, data)

        output_schema = _parse_output_schema(d.pop("outputSchema"))

        invokable_models = []
        _invokable_models = d.pop("invokableModels")
        for invokable_models_item_data in _invokable_models:
            invokable_models_item = ProviderConfig.from_dict(invokable_models_item_data)

            invokable_models.append(invokable_models_item)

        gofannon_agents = cast(list[str], d.pop("gofannonAgents"))

        composer_thoughts = d.pop("composerThoughts")

        def _parse_composer_model_config(data: object) -> None | ProviderConfig:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                composer_model_config_type_0 = ProviderConfig.from_dict(data)

                return composer_model_config_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(None | ProviderConfig, data)

        composer_model_config = _parse_composer_model_config(d.pop("composerModelConfig"))

        visibility = check_agent_visibility(d.pop("visibility"))

        field_id = d.pop("_id")

        field_rev = d.pop("_rev")

        created_at = datetime.datetime.fromisoformat(d.pop("createdAt"))

        updated_at = datetime.datetime.fromisoformat(d.pop("updatedAt"))

        def _parse_warnings(data: object) -> list[CodeWarning] | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, list):
                    raise TypeError()
                warnings_type_0 = []
                _warnings_type_0 = data
                for warnings_type_0_item_data in _warnings_type_0:
                    warnings_type_0_item = CodeWarning.from_dict(warnings_type_0_item_data)

                    warnings_type_0.append(warnings_type_0_item)

                return warnings_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(list[CodeWarning] | None | Unset, data)

        warnings = _parse_warnings(d.pop("warnings", UNSET))

        def _parse_engine(data: object) -> Literal["python"] | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            engine_type_0 = cast(Literal["python"], data)
            if engine_type_0 != "python":
                raise ValueError(f"engine_type_0 must match const 'python', got '{engine_type_0}'")
            return engine_type_0
            return cast(Literal["python"] | None | Unset, data)

        engine = _parse_engine(d.pop("engine", UNSET))

        agent = cls(
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
            field_id=field_id,
            field_rev=field_rev,
            created_at=created_at,
            updated_at=updated_at,
            warnings=warnings,
            engine=engine,
        )

        agent.additional_properties = d
        return agent

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

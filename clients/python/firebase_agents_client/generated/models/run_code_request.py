from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.provider_config import ProviderConfig
    from ..models.run_code_request_input_dict import RunCodeRequestInputDict
    from ..models.run_code_request_tools import RunCodeRequestTools


T = TypeVar("T", bound="RunCodeRequest")


@_attrs_define
class RunCodeRequest:
    """The request body of `POST /agents/run-code`: code, which need not be saved, and the resources it may use.

    `invokable_models`: the models that it may call; empty means all of them.

        Attributes:
            code (str):
            input_dict (RunCodeRequestInputDict | Unset):
            tools (RunCodeRequestTools | Unset):
            gofannon_agents (list[str] | Unset):
            invokable_models (list[ProviderConfig] | Unset):
    """

    code: str
    input_dict: RunCodeRequestInputDict | Unset = UNSET
    tools: RunCodeRequestTools | Unset = UNSET
    gofannon_agents: list[str] | Unset = UNSET
    invokable_models: list[ProviderConfig] | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        code = self.code

        input_dict: dict[str, Any] | Unset = UNSET
        if not isinstance(self.input_dict, Unset):
            input_dict = self.input_dict.to_dict()

        tools: dict[str, Any] | Unset = UNSET
        if not isinstance(self.tools, Unset):
            tools = self.tools.to_dict()

        gofannon_agents: list[str] | Unset = UNSET
        if not isinstance(self.gofannon_agents, Unset):
            gofannon_agents = self.gofannon_agents

        invokable_models: list[dict[str, Any]] | Unset = UNSET
        if not isinstance(self.invokable_models, Unset):
            invokable_models = []
            for invokable_models_item_data in self.invokable_models:
                invokable_models_item = invokable_models_item_data.to_dict()
                invokable_models.append(invokable_models_item)

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "code": code,
            }
        )
        if input_dict is not UNSET:
            field_dict["inputDict"] = input_dict
        if tools is not UNSET:
            field_dict["tools"] = tools
        if gofannon_agents is not UNSET:
            field_dict["gofannonAgents"] = gofannon_agents
        if invokable_models is not UNSET:
            field_dict["invokableModels"] = invokable_models

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.provider_config import ProviderConfig  # noqa: PLC0415
        from ..models.run_code_request_input_dict import RunCodeRequestInputDict  # noqa: PLC0415
        from ..models.run_code_request_tools import RunCodeRequestTools  # noqa: PLC0415

        d = dict(src_dict)
        code = d.pop("code")

        _input_dict = d.pop("inputDict", UNSET)
        input_dict: RunCodeRequestInputDict | Unset
        if isinstance(_input_dict, Unset):
            input_dict = UNSET
        else:
            input_dict = RunCodeRequestInputDict.from_dict(_input_dict)

        _tools = d.pop("tools", UNSET)
        tools: RunCodeRequestTools | Unset
        if isinstance(_tools, Unset):
            tools = UNSET
        else:
            tools = RunCodeRequestTools.from_dict(_tools)

        gofannon_agents = cast(list[str], d.pop("gofannonAgents", UNSET))

        _invokable_models = d.pop("invokableModels", UNSET)
        invokable_models: list[ProviderConfig] | Unset = UNSET
        if _invokable_models is not UNSET:
            invokable_models = []
            for invokable_models_item_data in _invokable_models:
                invokable_models_item = ProviderConfig.from_dict(invokable_models_item_data)

                invokable_models.append(invokable_models_item)

        run_code_request = cls(
            code=code,
            input_dict=input_dict,
            tools=tools,
            gofannon_agents=gofannon_agents,
            invokable_models=invokable_models,
        )

        run_code_request.additional_properties = d
        return run_code_request

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

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.chat_request_parameters import ChatRequestParameters
    from ..models.message import Message


T = TypeVar("T", bound="ChatRequest")


@_attrs_define
class ChatRequest:
    """The request body of `POST /chat`. The model's catalog entry lists its `parameters` and `built_in_tools`.

    With `stream` the worker reads the model's answer as a stream, so that the connection of a long answer does not time
    out. The caller polls the ticket in either case.

        Attributes:
            messages (list[Message]):
            provider (str):
            model (str):
            parameters (ChatRequestParameters | Unset):
            built_in_tools (list[str] | Unset):
            stream (bool | Unset):  Default: False.
    """

    messages: list[Message]
    provider: str
    model: str
    parameters: ChatRequestParameters | Unset = UNSET
    built_in_tools: list[str] | Unset = UNSET
    stream: bool | Unset = False
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        messages = []
        for messages_item_data in self.messages:
            messages_item = messages_item_data.to_dict()
            messages.append(messages_item)

        provider = self.provider

        model = self.model

        parameters: dict[str, Any] | Unset = UNSET
        if not isinstance(self.parameters, Unset):
            parameters = self.parameters.to_dict()

        built_in_tools: list[str] | Unset = UNSET
        if not isinstance(self.built_in_tools, Unset):
            built_in_tools = self.built_in_tools

        stream = self.stream

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "messages": messages,
                "provider": provider,
                "model": model,
            }
        )
        if parameters is not UNSET:
            field_dict["parameters"] = parameters
        if built_in_tools is not UNSET:
            field_dict["builtInTools"] = built_in_tools
        if stream is not UNSET:
            field_dict["stream"] = stream

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.chat_request_parameters import ChatRequestParameters  # noqa: PLC0415
        from ..models.message import Message  # noqa: PLC0415

        d = dict(src_dict)
        messages = []
        _messages = d.pop("messages")
        for messages_item_data in _messages:
            messages_item = Message.from_dict(messages_item_data)

            messages.append(messages_item)

        provider = d.pop("provider")

        model = d.pop("model")

        _parameters = d.pop("parameters", UNSET)
        parameters: ChatRequestParameters | Unset
        if isinstance(_parameters, Unset):
            parameters = UNSET
        else:
            parameters = ChatRequestParameters.from_dict(_parameters)

        built_in_tools = cast(list[str], d.pop("builtInTools", UNSET))

        stream = d.pop("stream", UNSET)

        chat_request = cls(
            messages=messages,
            provider=provider,
            model=model,
            parameters=parameters,
            built_in_tools=built_in_tools,
            stream=stream,
        )

        chat_request.additional_properties = d
        return chat_request

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

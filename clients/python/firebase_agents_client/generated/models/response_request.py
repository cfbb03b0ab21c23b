from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.response_request_include_type_0_item import (
    ResponseRequestIncludeType0Item,
    check_response_request_include_type_0_item,
)
from ..models.response_request_service_tier_type_0 import (
    ResponseRequestServiceTierType0,
    check_response_request_service_tier_type_0,
)
from ..models.response_request_truncation_type_0 import (
    ResponseRequestTruncationType0,
    check_response_request_truncation_type_0,
)
from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.reasoning_options import ReasoningOptions
    from ..models.response_request_agent_input_type_0 import (
        ResponseRequestAgentInputType0,
    )
    from ..models.response_request_client_metadata_type_0 import (
        ResponseRequestClientMetadataType0,
    )
    from ..models.response_request_input_type_1_item import ResponseRequestInputType1Item
    from ..models.response_request_metadata import ResponseRequestMetadata
    from ..models.response_request_prompt_cache_options_type_0 import (
        ResponseRequestPromptCacheOptionsType0,
    )
    from ..models.response_request_tool_choice_type_1 import (
        ResponseRequestToolChoiceType1,
    )
    from ..models.response_request_tools_type_0_item import ResponseRequestToolsType0Item
    from ..models.stream_options import StreamOptions
    from ..models.text_options import TextOptions


T = TypeVar("T", bound="ResponseRequest")


@_attrs_define
class ResponseRequest:
    """The request body of `POST /v1/responses`, as OpenAI documents it, with the differences in
    docs/reference/openai.md. `model`: `provider/model`, or `gofannon/` and the name of a deployed agent.

    `truncation` and `include` have no effect. `client_metadata`, which Codex sends, is ignored.

        Attributes:
            model (str):
            input_ (list[ResponseRequestInputType1Item] | str):
            stream (bool | Unset):  Default: False.
            stream_options (None | StreamOptions | Unset):
            temperature (float | None | Unset):
            top_p (float | None | Unset):
            parallel_tool_calls (bool | None | Unset):
            metadata (ResponseRequestMetadata | Unset):
            user (None | str | Unset):
            safety_identifier (None | str | Unset):
            prompt_cache_key (None | str | Unset):
            prompt_cache_retention (None | str | Unset):
            prompt_cache_options (None | ResponseRequestPromptCacheOptionsType0 | Unset):
            service_tier (None | ResponseRequestServiceTierType0 | Unset):
            agent_input (None | ResponseRequestAgentInputType0 | Unset):
            instructions (None | str | Unset):
            tools (list[ResponseRequestToolsType0Item] | None | Unset):
            tool_choice (None | ResponseRequestToolChoiceType1 | str | Unset):
            text (None | TextOptions | Unset):
            reasoning (None | ReasoningOptions | Unset):
            max_output_tokens (int | None | Unset):
            previous_response_id (None | str | Unset):
            background (bool | Unset):  Default: False.
            store (bool | None | Unset):
            truncation (None | ResponseRequestTruncationType0 | Unset):
            include (list[ResponseRequestIncludeType0Item] | None | Unset):
            client_metadata (None | ResponseRequestClientMetadataType0 | Unset):
    """

    model: str
    input_: list[ResponseRequestInputType1Item] | str
    stream: bool | Unset = False
    stream_options: None | StreamOptions | Unset = UNSET
    temperature: float | None | Unset = UNSET
    top_p: float | None | Unset = UNSET
    parallel_tool_calls: bool | None | Unset = UNSET
    metadata: ResponseRequestMetadata | Unset = UNSET
    user: None | str | Unset = UNSET
    safety_identifier: None | str | Unset = UNSET
    prompt_cache_key: None | str | Unset = UNSET
    prompt_cache_retention: None | str | Unset = UNSET
    prompt_cache_options: None | ResponseRequestPromptCacheOptionsType0 | Unset = UNSET
    service_tier: None | ResponseRequestServiceTierType0 | Unset = UNSET
    agent_input: None | ResponseRequestAgentInputType0 | Unset = UNSET
    instructions: None | str | Unset = UNSET
    tools: list[ResponseRequestToolsType0Item] | None | Unset = UNSET
    tool_choice: None | ResponseRequestToolChoiceType1 | str | Unset = UNSET
    text: None | TextOptions | Unset = UNSET
    reasoning: None | ReasoningOptions | Unset = UNSET
    max_output_tokens: int | None | Unset = UNSET
    previous_response_id: None | str | Unset = UNSET
    background: bool | Unset = False
    store: bool | None | Unset = UNSET
    truncation: None | ResponseRequestTruncationType0 | Unset = UNSET
    include: list[ResponseRequestIncludeType0Item] | None | Unset = UNSET
    client_metadata: None | ResponseRequestClientMetadataType0 | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        from ..models.reasoning_options import ReasoningOptions  # noqa: PLC0415
        from ..models.response_request_agent_input_type_0 import (
            ResponseRequestAgentInputType0,  # noqa: PLC0415
        )
        from ..models.response_request_client_metadata_type_0 import (
            ResponseRequestClientMetadataType0,  # noqa: PLC0415
        )
        from ..models.response_request_prompt_cache_options_type_0 import (
            ResponseRequestPromptCacheOptionsType0,  # noqa: PLC0415
        )
        from ..models.response_request_tool_choice_type_1 import (
            ResponseRequestToolChoiceType1,  # noqa: PLC0415
        )
        from ..models.stream_options import StreamOptions  # noqa: PLC0415
        from ..models.text_options import TextOptions  # noqa: PLC0415

        model = self.model

        input_: list[dict[str, Any]] | str
        if isinstance(self.input_, list):
            input_ = []
            for input_type_1_item_data in self.input_:
                input_type_1_item = input_type_1_item_data.to_dict()
                input_.append(input_type_1_item)

        else:
            input_ = self.input_

        stream = self.stream

        stream_options: dict[str, Any] | None | Unset
        if isinstance(self.stream_options, Unset):
            stream_options = UNSET
        elif isinstance(self.stream_options, StreamOptions):
            stream_options = self.stream_options.to_dict()
        else:
            stream_options = self.stream_options

        temperature: float | None | Unset
        if isinstance(self.temperature, Unset):
            temperature = UNSET
        else:
            temperature = self.temperature

        top_p: float | None | Unset
        if isinstance(self.top_p, Unset):
            top_p = UNSET
        else:
            top_p = self.top_p

        parallel_tool_calls: bool | None | Unset
        if isinstance(self.parallel_tool_calls, Unset):
            parallel_tool_calls = UNSET
        else:
            parallel_tool_calls = self.parallel_tool_calls

        metadata: dict[str, Any] | Unset = UNSET
        if not isinstance(self.metadata, Unset):
            metadata = self.metadata.to_dict()

        user: None | str | Unset
        if isinstance(self.user, Unset):
            user = UNSET
        else:
            user = self.user

        safety_identifier: None | str | Unset
        if isinstance(self.safety_identifier, Unset):
            safety_identifier = UNSET
        else:
            safety_identifier = self.safety_identifier

        prompt_cache_key: None | str | Unset
        if isinstance(self.prompt_cache_key, Unset):
            prompt_cache_key = UNSET
        else:
            prompt_cache_key = self.prompt_cache_key

        prompt_cache_retention: None | str | Unset
        if isinstance(self.prompt_cache_retention, Unset):
            prompt_cache_retention = UNSET
        else:
            prompt_cache_retention = self.prompt_cache_retention

        prompt_cache_options: dict[str, Any] | None | Unset
        if isinstance(self.prompt_cache_options, Unset):
            prompt_cache_options = UNSET
        elif isinstance(self.prompt_cache_options, ResponseRequestPromptCacheOptionsType0):
            prompt_cache_options = self.prompt_cache_options.to_dict()
        else:
            prompt_cache_options = self.prompt_cache_options

        service_tier: None | str | Unset
        if isinstance(self.service_tier, Unset):
            service_tier = UNSET
        elif isinstance(self.service_tier, str):
            service_tier = self.service_tier
        else:
            service_tier = self.service_tier

        agent_input: dict[str, Any] | None | Unset
        if isinstance(self.agent_input, Unset):
            agent_input = UNSET
        elif isinstance(self.agent_input, ResponseRequestAgentInputType0):
            agent_input = self.agent_input.to_dict()
        else:
            agent_input = self.agent_input

        instructions: None | str | Unset
        if isinstance(self.instructions, Unset):
            instructions = UNSET
        else:
            instructions = self.instructions

        tools: list[dict[str, Any]] | None | Unset
        if isinstance(self.tools, Unset):
            tools = UNSET
        elif isinstance(self.tools, list):
            tools = []
            for tools_type_0_item_data in self.tools:
                tools_type_0_item = tools_type_0_item_data.to_dict()
                tools.append(tools_type_0_item)

        else:
            tools = self.tools

        tool_choice: dict[str, Any] | None | str | Unset
        if isinstance(self.tool_choice, Unset):
            tool_choice = UNSET
        elif isinstance(self.tool_choice, ResponseRequestToolChoiceType1):
            tool_choice = self.tool_choice.to_dict()
        else:
            tool_choice = self.tool_choice

        text: dict[str, Any] | None | Unset
        if isinstance(self.text, Unset):
            text = UNSET
        elif isinstance(self.text, TextOptions):
            text = self.text.to_dict()
        else:
            text = self.text

        reasoning: dict[str, Any] | None | Unset
        if isinstance(self.reasoning, Unset):
            reasoning = UNSET
        elif isinstance(self.reasoning, ReasoningOptions):
            reasoning = self.reasoning.to_dict()
        else:
            reasoning = self.reasoning

        max_output_tokens: int | None | Unset
        if isinstance(self.max_output_tokens, Unset):
            max_output_tokens = UNSET
        else:
            max_output_tokens = self.max_output_tokens

        previous_response_id: None | str | Unset
        if isinstance(self.previous_response_id, Unset):
            previous_response_id = UNSET
        else:
            previous_response_id = self.previous_response_id

        background = self.background

        store: bool | None | Unset
        if isinstance(self.store, Unset):
            store = UNSET
        else:
            store = self.store

        truncation: None | str | Unset
        if isinstance(self.truncation, Unset):
            truncation = UNSET
        elif isinstance(self.truncation, str):
            truncation = self.truncation
        else:
            truncation = self.truncation

        include: list[str] | None | Unset
        if isinstance(self.include, Unset):
            include = UNSET
        elif isinstance(self.include, list):
            include = []
            for include_type_0_item_data in self.include:
                include_type_0_item: str = include_type_0_item_data
                include.append(include_type_0_item)

        else:
            include = self.include

        client_metadata: dict[str, Any] | None | Unset
        if isinstance(self.client_metadata, Unset):
            client_metadata = UNSET
        elif isinstance(self.client_metadata, ResponseRequestClientMetadataType0):
            client_metadata = self.client_metadata.to_dict()
        else:
            client_metadata = self.client_metadata

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "model": model,
                "input": input_,
            }
        )
        if stream is not UNSET:
            field_dict["stream"] = stream
        if stream_options is not UNSET:
            field_dict["stream_options"] = stream_options
        if temperature is not UNSET:
            field_dict["temperature"] = temperature
        if top_p is not UNSET:
            field_dict["top_p"] = top_p
        if parallel_tool_calls is not UNSET:
            field_dict["parallel_tool_calls"] = parallel_tool_calls
        if metadata is not UNSET:
            field_dict["metadata"] = metadata
        if user is not UNSET:
            field_dict["user"] = user
        if safety_identifier is not UNSET:
            field_dict["safety_identifier"] = safety_identifier
        if prompt_cache_key is not UNSET:
            field_dict["prompt_cache_key"] = prompt_cache_key
        if prompt_cache_retention is not UNSET:
            field_dict["prompt_cache_retention"] = prompt_cache_retention
        if prompt_cache_options is not UNSET:
            field_dict["prompt_cache_options"] = prompt_cache_options
        if service_tier is not UNSET:
            field_dict["service_tier"] = service_tier
        if agent_input is not UNSET:
            field_dict["agent_input"] = agent_input
        if instructions is not UNSET:
            field_dict["instructions"] = instructions
        if tools is not UNSET:
            field_dict["tools"] = tools
        if tool_choice is not UNSET:
            field_dict["tool_choice"] = tool_choice
        if text is not UNSET:
            field_dict["text"] = text
        if reasoning is not UNSET:
            field_dict["reasoning"] = reasoning
        if max_output_tokens is not UNSET:
            field_dict["max_output_tokens"] = max_output_tokens
        if previous_response_id is not UNSET:
            field_dict["previous_response_id"] = previous_response_id
        if background is not UNSET:
            field_dict["background"] = background
        if store is not UNSET:
            field_dict["store"] = store
        if truncation is not UNSET:
            field_dict["truncation"] = truncation
        if include is not UNSET:
            field_dict["include"] = include
        if client_metadata is not UNSET:
            field_dict["client_metadata"] = client_metadata

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.reasoning_options import ReasoningOptions  # noqa: PLC0415
        from ..models.response_request_agent_input_type_0 import (
            ResponseRequestAgentInputType0,  # noqa: PLC0415
        )
        from ..models.response_request_client_metadata_type_0 import (
            ResponseRequestClientMetadataType0,  # noqa: PLC0415
        )
        from ..models.response_request_input_type_1_item import (
            ResponseRequestInputType1Item,  # noqa: PLC0415
        )
        from ..models.response_request_metadata import ResponseRequestMetadata  # noqa: PLC0415
        from ..models.response_request_prompt_cache_options_type_0 import (
            ResponseRequestPromptCacheOptionsType0,  # noqa: PLC0415
        )
        from ..models.response_request_tool_choice_type_1 import (
            ResponseRequestToolChoiceType1,  # noqa: PLC0415
        )
        from ..models.response_request_tools_type_0_item import (
            ResponseRequestToolsType0Item,  # noqa: PLC0415
        )
        from ..models.stream_options import StreamOptions  # noqa: PLC0415
        from ..models.text_options import TextOptions  # noqa: PLC0415

        d = dict(src_dict)
        model = d.pop("model")

        def _parse_input_(data: object) -> list[ResponseRequestInputType1Item] | str:
            try:
                if not isinstance(data, list):
                    raise TypeError()
                input_type_1 = []
                _input_type_1 = data
                for input_type_1_item_data in _input_type_1:
                    input_type_1_item = ResponseRequestInputType1Item.from_dict(input_type_1_item_data)

                    input_type_1.append(input_type_1_item)

                return input_type_1
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(list[ResponseRequestInputType1Item] | str, data)

        input_ = _parse_input_(d.pop("input"))

        stream = d.pop("stream", UNSET)

        def _parse_stream_options(data: object) -> None | StreamOptions | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                stream_options_type_0 = StreamOptions.from_dict(data)

                return stream_options_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(None | StreamOptions | Unset, data)

        stream_options = _parse_stream_options(d.pop("stream_options", UNSET))

        def _parse_temperature(data: object) -> float | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(float | None | Unset, data)

        temperature = _parse_temperature(d.pop("temperature", UNSET))

        def _parse_top_p(data: object) -> float | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(float | None | Unset, data)

        top_p = _parse_top_p(d.pop("top_p", UNSET))

        def _parse_parallel_tool_calls(data: object) -> bool | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(bool | None | Unset, data)

        parallel_tool_calls = _parse_parallel_tool_calls(d.pop("parallel_tool_calls", UNSET))

        _metadata = d.pop("metadata", UNSET)
        metadata: ResponseRequestMetadata | Unset
        if isinstance(_metadata, Unset):
            metadata = UNSET
        else:
            metadata = ResponseRequestMetadata.from_dict(_metadata)

        def _parse_user(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        user = _parse_user(d.pop("user", UNSET))

        def _parse_safety_identifier(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        safety_identifier = _parse_safety_identifier(d.pop("safety_identifier", UNSET))

        def _parse_prompt_cache_key(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        prompt_cache_key = _parse_prompt_cache_key(d.pop("prompt_cache_key", UNSET))

        def _parse_prompt_cache_retention(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        prompt_cache_retention = _parse_prompt_cache_retention(d.pop("prompt_cache_retention", UNSET))

        def _parse_prompt_cache_options(data: object) -> None | ResponseRequestPromptCacheOptionsType0 | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                prompt_cache_options_type_0 = ResponseRequestPromptCacheOptionsType0.from_dict(data)

                return prompt_cache_options_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(None | ResponseRequestPromptCacheOptionsType0 | Unset, data)

        prompt_cache_options = _parse_prompt_cache_options(d.pop("prompt_cache_options", UNSET))

        def _parse_service_tier(data: object) -> None | ResponseRequestServiceTierType0 | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                service_tier_type_0 = check_response_request_service_tier_type_0(data)

                return service_tier_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(None | ResponseRequestServiceTierType0 | Unset, data)

        service_tier = _parse_service_tier(d.pop("service_tier", UNSET))

        def _parse_agent_input(data: object) -> None | ResponseRequestAgentInputType0 | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                agent_input_type_0 = ResponseRequestAgentInputType0.from_dict(data)

                return agent_input_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(None | ResponseRequestAgentInputType0 | Unset, data)

        agent_input = _parse_agent_input(d.pop("agent_input", UNSET))

        def _parse_instructions(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        instructions = _parse_instructions(d.pop("instructions", UNSET))

        def _parse_tools(data: object) -> list[ResponseRequestToolsType0Item] | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, list):
                    raise TypeError()
                tools_type_0 = []
                _tools_type_0 = data
                for tools_type_0_item_data in _tools_type_0:
                    tools_type_0_item = ResponseRequestToolsType0Item.from_dict(tools_type_0_item_data)

                    tools_type_0.append(tools_type_0_item)

                return tools_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(list[ResponseRequestToolsType0Item] | None | Unset, data)

        tools = _parse_tools(d.pop("tools", UNSET))

        def _parse_tool_choice(data: object) -> None | ResponseRequestToolChoiceType1 | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                tool_choice_type_1 = ResponseRequestToolChoiceType1.from_dict(data)

                return tool_choice_type_1
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(None | ResponseRequestToolChoiceType1 | str | Unset, data)

        tool_choice = _parse_tool_choice(d.pop("tool_choice", UNSET))

        def _parse_text(data: object) -> None | TextOptions | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                text_type_0 = TextOptions.from_dict(data)

                return text_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(None | TextOptions | Unset, data)

        text = _parse_text(d.pop("text", UNSET))

        def _parse_reasoning(data: object) -> None | ReasoningOptions | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                reasoning_type_0 = ReasoningOptions.from_dict(data)

                return reasoning_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(None | ReasoningOptions | Unset, data)

        reasoning = _parse_reasoning(d.pop("reasoning", UNSET))

        def _parse_max_output_tokens(data: object) -> int | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(int | None | Unset, data)

        max_output_tokens = _parse_max_output_tokens(d.pop("max_output_tokens", UNSET))

        def _parse_previous_response_id(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        previous_response_id = _parse_previous_response_id(d.pop("previous_response_id", UNSET))

        background = d.pop("background", UNSET)

        def _parse_store(data: object) -> bool | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(bool | None | Unset, data)

        store = _parse_store(d.pop("store", UNSET))

        def _parse_truncation(data: object) -> None | ResponseRequestTruncationType0 | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                truncation_type_0 = check_response_request_truncation_type_0(data)

                return truncation_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(None | ResponseRequestTruncationType0 | Unset, data)

        truncation = _parse_truncation(d.pop("truncation", UNSET))

        def _parse_include(data: object) -> list[ResponseRequestIncludeType0Item] | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, list):
                    raise TypeError()
                include_type_0 = []
                _include_type_0 = data
                for include_type_0_item_data in _include_type_0:
                    include_type_0_item = check_response_request_include_type_0_item(include_type_0_item_data)

                    include_type_0.append(include_type_0_item)

                return include_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(list[ResponseRequestIncludeType0Item] | None | Unset, data)

        include = _parse_include(d.pop("include", UNSET))

        def _parse_client_metadata(data: object) -> None | ResponseRequestClientMetadataType0 | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                client_metadata_type_0 = ResponseRequestClientMetadataType0.from_dict(data)

                return client_metadata_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(None | ResponseRequestClientMetadataType0 | Unset, data)

        client_metadata = _parse_client_metadata(d.pop("client_metadata", UNSET))

        response_request = cls(
            model=model,
            input_=input_,
            stream=stream,
            stream_options=stream_options,
            temperature=temperature,
            top_p=top_p,
            parallel_tool_calls=parallel_tool_calls,
            metadata=metadata,
            user=user,
            safety_identifier=safety_identifier,
            prompt_cache_key=prompt_cache_key,
            prompt_cache_retention=prompt_cache_retention,
            prompt_cache_options=prompt_cache_options,
            service_tier=service_tier,
            agent_input=agent_input,
            instructions=instructions,
            tools=tools,
            tool_choice=tool_choice,
            text=text,
            reasoning=reasoning,
            max_output_tokens=max_output_tokens,
            previous_response_id=previous_response_id,
            background=background,
            store=store,
            truncation=truncation,
            include=include,
            client_metadata=client_metadata,
        )

        response_request.additional_properties = d
        return response_request

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

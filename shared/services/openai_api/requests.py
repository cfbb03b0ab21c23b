"""Turns requests to the endpoints into what is stored with a ticket, after everything in them has been checked."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from pydantic import ValidationError

from shared.llm.catalog import Catalog, CatalogError, ModelRoute, check_built_in_tools
from shared.models.catalog import GOFANNON
from shared.models.conversation import CompletionRequest, ConversationMessage
from shared.models.openai_api.chat_request import ChatCompletionRequest
from shared.models.openai_api.errors import InvalidRequest, ModelNotFound, UnsupportedParameter
from shared.models.openai_api.fields import CommonFields
from shared.models.openai_api.response_request import ResponseRequest
from shared.services.openai_api.chat_messages import read_messages
from shared.services.openai_api.parameters import (
    check_for_agent,
    check_for_model,
    read_chat_parameters,
    read_response_parameters,
)
from shared.services.openai_api.response_items import read_items
from shared.services.openai_api.tools import Tools, read_tools

RESPONSES, CHAT = "responses", "chat.completions"
"""The values of `echo["api"]`: which endpoint a ticket belongs to."""
_CHAT_NAMES: dict[str, str] = {}
_RESPONSE_NAMES = {
    "max_completion_tokens": "max_output_tokens",
    "verbosity": "text.verbosity",
    "reasoning_effort": "reasoning.effort",
    "response_format": "text.format",
}


@dataclass(frozen=True)
class RequestReader:
    """Reads requests. Every error is one of `shared.models.openai_api.errors`, and names the field at fault."""

    catalog: Catalog

    def read_chat(self, request: ChatCompletionRequest) -> CompletionRequest:
        """Returns what is stored for a chat completion. Raises `InvalidRequest`, `ModelNotFound`."""
        messages = read_messages(request.messages)
        tools = read_tools(request.tools, request.tool_choice, nested=True)
        return self._build(request, messages, tools, read_chat_parameters(request), _CHAT_NAMES, {"api": CHAT})

    def read_response(self, request: ResponseRequest, history: list[dict[str, Any]]) -> CompletionRequest:
        """Returns what is stored for a response after `history`. Raises `InvalidRequest`, `ModelNotFound`."""
        messages = [*history, *read_items(request.input)]
        if request.instructions is not None:
            messages.insert(0, {"role": "system", "content": request.instructions})
        tools = read_tools(request.tools, request.tool_choice, nested=False)
        parameters = read_response_parameters(request)
        return self._build(request, messages, tools, parameters, _RESPONSE_NAMES, make_echo(request))

    def refuse_contradictions(self, request: ResponseRequest) -> None:
        """Raises `InvalidRequest` for fields that exclude each other."""
        if request.background and request.store is False:
            raise InvalidRequest("A response in the background is always stored: store must be true.", "store")

    def _build(
        self,
        request: CommonFields,
        messages: list[dict[str, Any]],
        tools: Tools,
        parameters: dict[str, Any],
        names: dict[str, str],
        echo: dict[str, Any],
    ) -> CompletionRequest:
        provider, model = request.split_model()
        if provider == GOFANNON:
            check_for_agent(parameters, names)
            _refuse_tools(tools)
            _refuse_images(messages)
            parameters = request.agent_input or {}
        else:
            if request.agent_input is not None:
                raise UnsupportedParameter("agent_input", " Only agents have an input of their own.")
            route = self._find_route(provider, model)
            parameters = check_for_model(route, parameters, names)
            _check_built_in(route, tools)
        try:
            return CompletionRequest.model_validate(
                {
                    "provider": provider,
                    "model": model,
                    "messages": messages,
                    "parameters": parameters,
                    "built_in_tools": tools.built_in,
                    "functions": tools.functions,
                    "tool_choice": tools.choice,
                    "parallel_tool_calls": request.parallel_tool_calls,
                    "stream": request.stream or bool(echo.get("background")),
                    "echo": echo,
                }
            )
        except ValidationError as error:
            raise _explain(error, request) from error

    def _find_route(self, provider: str, model: str) -> ModelRoute:
        try:
            return self.catalog.route(provider, model)
        except CatalogError as error:
            raise ModelNotFound(str(error)) from error


def make_echo(request: ResponseRequest) -> dict[str, Any]:
    """Returns what a response repeats of its request, unless it is stored anyway."""
    fields = request.model_dump(
        mode="json",
        exclude_none=True,
        include={
            "instructions", "metadata", "previous_response_id", "background", "store", "temperature", "top_p",
            "max_output_tokens", "user", "safety_identifier", "prompt_cache_key", "prompt_cache_retention",
        },
    )  # fmt: skip
    text, reasoning = request.text, request.reasoning
    shown: dict[str, Any] = {"format": {"type": "text"}}
    if text is not None and text.format is not None:
        shown["format"] = {name: value for name, value in text.format.items() if value is not None}
    if text is not None and text.verbosity is not None:
        shown["verbosity"] = text.verbosity
    fields["text"] = shown
    fields["reasoning"] = {
        "effort": None if reasoning is None else reasoning.effort,
        "summary": None if reasoning is None else reasoning.summary or reasoning.generate_summary,
    }
    return {"api": RESPONSES, **fields}


def read_history(request: CompletionRequest) -> list[ConversationMessage]:
    """Returns the messages of a response's request without its instructions, which do not pass on to later ones."""
    return request.messages[1:] if "instructions" in request.echo else request.messages


def _refuse_images(messages: Sequence[Mapping[str, Any]]) -> None:
    contents = [message.get("content") for message in messages]
    parts = [part for content in contents if isinstance(content, list) for part in cast("list[Any]", content)]
    if any(isinstance(part, dict) and cast("dict[str, Any]", part).get("type") == "image_url" for part in parts):
        raise UnsupportedParameter(
            "image_url", " Agents take text, and no images. Put the image's address into the text instead."
        )


def _refuse_tools(tools: Tools) -> None:
    if tools.functions or tools.built_in:
        raise UnsupportedParameter("tools", " An agent has tools of its own.")
    if tools.choice not in (None, "auto", "none"):
        raise UnsupportedParameter("tool_choice", " An agent has tools of its own.")


def _check_built_in(route: ModelRoute, tools: Tools) -> None:
    try:
        check_built_in_tools(route, tools.built_in)
    except CatalogError as error:
        raise InvalidRequest(str(error), "tools", "unsupported_parameter") from error


def _explain(error: ValidationError, request: CommonFields) -> InvalidRequest:
    """Returns the first problem, with its place as the request has it."""
    problem = error.errors(include_url=False, include_input=False)[0]
    place = [str(part) if isinstance(part, str) else f"[{part}]" for part in problem["loc"]]
    names = {"messages": "messages" if isinstance(request, ChatCompletionRequest) else "input", "functions": "tools"}
    if place:
        place[0] = names.get(place[0], place[0])
    param = "".join(part if part.startswith("[") or not index else f".{part}" for index, part in enumerate(place[:4]))
    return InvalidRequest(f"{param or 'The request'}: {problem['msg']}.", param or None, "invalid_value")

"""The functions with which agent code calls models: `call_llm` and `litellm.acompletion`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from shared.sandbox.inside.arguments import (
    check_optional_string,
    check_timeout,
    copy_json,
    copy_json_list,
    copy_json_object,
)
from shared.sandbox.inside.objects import ModelResponse

if TYPE_CHECKING:
    from shared.sandbox.inside.calls import HostFunctions


class ModelFunctions:
    """The two functions that call models. Both use the same host function."""

    def __init__(self, host_functions: HostFunctions) -> None:
        self._host_functions = host_functions

    async def call_llm(
        self,
        provider: Any = None,
        model: Any = None,
        messages: Any = None,
        parameters: Any = None,
        tools: Any = None,
        user_service: Any = None,
        user_id: Any = None,
        timeout: Any = None,
    ) -> tuple[str, Any]:
        """Returns (content, thoughts). `user_service` and `user_id`, which older code passes, are ignored."""
        answer = await self._host_functions.call_model(
            check_optional_string("provider", provider),
            check_optional_string("model", model),
            copy_json("messages", messages),
            copy_json_object("parameters", parameters or {}),
            copy_json_list("tools", tools or []),
            check_timeout(timeout),
        )
        return answer.content, answer.thoughts

    async def acompletion(self, model: Any = None, messages: Any = None, **parameters: Any) -> ModelResponse:
        """Returns the answer in litellm's format."""
        tools = parameters.pop("tools", None)
        timeout = parameters.pop("timeout", None)
        answer = await self._host_functions.call_model(
            None,
            check_optional_string("model", model),
            copy_json("messages", messages),
            copy_json_object("parameters", parameters),
            copy_json_list("tools", tools or []),
            check_timeout(timeout),
        )
        return ModelResponse(answer)

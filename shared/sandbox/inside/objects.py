"""The objects that agent code uses in addition to `httpx`: for MCP servers, other agents, and models' answers.

`methods`: the methods whose failures are translated into exceptions that agent code can catch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from shared.sandbox.inside.arguments import check_optional_string, check_string, copy_json_object

if TYPE_CHECKING:
    from shared.models.wire import JsonObject
    from shared.sandbox.inside.calls import HostFunctions, ModelAnswer


class RemoteMCPClient:
    """A client for one of the agent's MCP servers."""

    methods = ("call", "list_tools")

    def __init__(self, host_functions: HostFunctions, /, remote_url: Any, auth_token: Any = None) -> None:
        self._host_functions = host_functions
        self.remote_url = check_string("remote_url", remote_url)
        self._token = check_optional_string("auth_token", auth_token)

    async def call(self, tool_name: Any, **arguments: Any) -> Any:
        """Calls a tool. Returns the value of its result, or the text if the result has no value."""
        copied = copy_json_object("arguments", arguments)
        return await self._host_functions.call_tool(
            self.remote_url, self._token, check_string("tool_name", tool_name), copied
        )

    async def list_tools(self) -> list[Any]:
        tools = await self._host_functions.list_tools(self.remote_url, self._token)
        return [Tool(tool.name, tool.description, tool.input_schema) for tool in tools]


class Tool:
    """One tool of an MCP server."""

    def __init__(self, name: str, description: str, input_schema: JsonObject) -> None:
        self.name = name
        self.description = description
        self.inputSchema = input_schema


class GofannonClient:
    """Calls other agents."""

    methods = ("call",)

    def __init__(self, host_functions: HostFunctions) -> None:
        self._host_functions = host_functions

    async def call(self, agent_name: Any, input_dict: Any = None) -> Any:
        return await self._host_functions.call_agent(
            check_string("agent_name", agent_name), copy_json_object("input_dict", input_dict or {})
        )


class ModelResponse:
    """The return value of `litellm.acompletion`: `.choices[0].message.content`, `.usage`, `.model`."""

    def __init__(self, answer: ModelAnswer) -> None:
        self.choices = [Choice(answer)]
        self.usage = Usage(answer)
        self.model = answer.model


class Choice:
    def __init__(self, answer: ModelAnswer) -> None:
        self.index = 0
        self.finish_reason = answer.finish_reason
        self.message = Reply(answer)


class Reply:
    def __init__(self, answer: ModelAnswer) -> None:
        self.role = "assistant"
        self.content = answer.content
        thoughts: Any = answer.thoughts if isinstance(answer.thoughts, dict) else {}
        self.reasoning_content = thoughts.get("reasoning")
        self.tool_calls = None


class Usage:
    def __init__(self, answer: ModelAnswer) -> None:
        self.prompt_tokens = answer.prompt_tokens
        self.completion_tokens = answer.completion_tokens
        self.total_tokens = answer.total_tokens

"""The host functions inside a run. Each call and each answer is a message."""

from __future__ import annotations

import asyncio
import base64
import builtins
from json import dumps  # by name, as code may replace it in its module
from typing import TYPE_CHECKING, Any

from shared.sandbox.inside.calls import CallFailed, HttpCall, HttpResponse, ModelAnswer, ToolDoc

if TYPE_CHECKING:
    from pydantic import JsonValue

    from shared.models.wire import JsonObject
    from shared.sandbox.guest.loop import HostLoop


class RemoteHostFunctions:
    """Implements `HostFunctions`. The host checks every argument again."""

    def __init__(self, loop: HostLoop) -> None:
        self._loop = loop

    async def call_model(
        self,
        provider: str | None,
        model: str | None,
        messages: JsonValue,
        parameters: JsonObject,
        tools: list[JsonValue],
        timeout: float | None,
    ) -> ModelAnswer:
        answer = await self._call(
            "call_model",
            provider=provider,
            model=model,
            messages=messages,
            parameters=parameters,
            tools=tools,
            timeout=timeout,
        )
        return ModelAnswer(**answer)

    async def http(self, call: HttpCall) -> HttpResponse:
        answer = await self._call(
            "http",
            method=call.method,
            url=call.url,
            params=call.params,
            headers=call.headers,
            json=call.json,
            data=call.data,
            content=None if call.content is None else base64.b64encode(call.content).decode(),
            timeout=call.timeout,
            follow_redirects=call.follow_redirects,
        )
        return HttpResponse(
            status_code=answer["status_code"],
            reason=answer["reason"],
            headers=[(name, value) for name, value in answer["headers"]],
            content=base64.b64decode(answer["content"]),
            url=answer["url"],
        )

    async def call_tool(self, url: str, token: str | None, tool: str, arguments: JsonObject) -> JsonValue:
        return await self._call("call_tool", url=url, token=token, tool=tool, arguments=arguments)

    async def list_tools(self, url: str, token: str | None) -> list[ToolDoc]:
        return [ToolDoc(**tool) for tool in await self._call("list_tools", url=url, token=token)]

    async def call_agent(self, name: str, input_dict: JsonObject) -> JsonValue:
        return await self._call("call_agent", name=name, input_dict=input_dict)

    async def ask(
        self, question: str, choices: list[str] | None, schema: JsonObject | None, timeout: float | None
    ) -> JsonValue:
        """See `shared.sandbox.inside.questions.Ask`. The time limit is kept by the run's own clock."""
        async with asyncio.timeout(timeout):
            return await self._call("ask", question=question, choices=choices, schema=schema, timeout=timeout)

    async def _call(self, function: str, **arguments: Any) -> Any:
        text = dumps(arguments, ensure_ascii=False)
        try:
            text.encode()
        except UnicodeEncodeError as error:
            raise CallFailed("A lone surrogate is not valid text.", ValueError) from error
        answer = await self._loop.call(function, text)
        if error := answer.get("error"):
            raise CallFailed(error["message"], getattr(builtins, error["kind"], RuntimeError), name=error["name"])
        return answer["value"]

"""Tracks the calls that a run is waiting for, so that the error of a timed-out run can name them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import TypeVar
from urllib.parse import urlsplit

from pydantic import JsonValue

from shared.models.wire import JsonObject
from shared.sandbox.inside.calls import HostFunctions, HttpCall, HttpResponse, ModelAnswer, ToolDoc

_MAX_NAME_CHARACTERS = 100
_MAX_NAMES = 3
_END_MARGIN_SECONDS = 0.5
"""A call that fails within this time before the run's end counts as in progress: its own timeout ends it then."""

T = TypeVar("T")


class TrackedHostFunctions:
    """`HostFunctions` that record and forward every call. `seconds`: the run's remaining time."""

    def __init__(self, host_functions: HostFunctions, seconds: float) -> None:
        self._host_functions = host_functions
        self._end = asyncio.get_running_loop().time() + seconds
        self._calls: dict[object, str] = {}

    @property
    def pending_calls(self) -> str | None:
        """The names of the calls that were in progress when the run's time was up; None if there were none."""
        names = list(dict.fromkeys(self._calls.values()))
        more = f" and {len(names) - _MAX_NAMES} more" if len(names) > _MAX_NAMES else ""
        return ", ".join(names[:_MAX_NAMES]) + more if names else None

    async def call_model(
        self,
        provider: str | None,
        model: str | None,
        messages: JsonValue,
        parameters: JsonObject,
        tools: list[JsonValue],
        timeout: float | None,
    ) -> ModelAnswer:
        """See `HostFunctions`."""
        name = "/".join(part for part in (provider, model) if part) or "a model"
        call = self._host_functions.call_model(provider, model, messages, parameters, tools, timeout)
        return await self._track(name, call)

    async def http(self, call: HttpCall) -> HttpResponse:
        """See `HostFunctions`."""
        return await self._track(_extract_host(call.url), self._host_functions.http(call))

    async def call_tool(self, url: str, token: str | None, tool: str, arguments: JsonObject) -> JsonValue:
        """See `HostFunctions`."""
        return await self._track(f"the tool {tool}", self._host_functions.call_tool(url, token, tool, arguments))

    async def list_tools(self, url: str, token: str | None) -> list[ToolDoc]:
        """See `HostFunctions`."""
        return await self._track(f"the tools of {_extract_host(url)}", self._host_functions.list_tools(url, token))

    async def call_agent(self, name: str, input_dict: JsonObject) -> JsonValue:
        """See `HostFunctions`."""
        return await self._track(f"the agent {name}", self._host_functions.call_agent(name, input_dict))

    async def _track(self, name: str, call: Awaitable[T]) -> T:
        key = object()
        self._calls[key] = name[:_MAX_NAME_CHARACTERS]
        try:
            answer = await call
        except BaseException:
            if asyncio.get_running_loop().time() < self._end - _END_MARGIN_SECONDS:
                del self._calls[key]
            raise
        del self._calls[key]
        return answer


def _extract_host(url: str) -> str:
    """Returns the host of a URL, without the rest of the URL, which may contain secrets."""
    try:
        return urlsplit(url).netloc.rpartition("@")[2] or "a server"
    except ValueError:
        return "a server"

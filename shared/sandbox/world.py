"""The world inside: the names that agent code finds, as host objects of the engine's, over the run's abilities.

Each object shows what its policy lists and nothing else; nothing here holds a key, a client or a setting.
"""

import asyncio
import inspect
from collections import deque
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from typing import Any, cast
from urllib.parse import ParseResult as StandardParseResult

from pydantic_monty import ClassInstance, ClassType, ExternalModule

from shared.log import get_logger
from shared.sandbox import small_modules
from shared.sandbox.arguments import json_list, json_object, json_value, seconds, text_or_none
from shared.sandbox.http_objects import AsyncClient, Response, httpx_timeout
from shared.sandbox.objects import (
    Choice,
    GofannonClient,
    ModelResponse,
    ParseResult,
    RemoteMCPClient,
    Reply,
    Tool,
    Usage,
)
from shared.sandbox.program import Abilities, CallFailed, Program

_log = get_logger("sandbox")
_REMEMBERED = 50
_USAGE = {
    "call_llm": ". It takes provider, model, messages, parameters={…}, tools and timeout.",
    "call": ". Write call(tool_name=…, argument=value), or of another agent call(agent_name=…, input_dict={…}).",
}
"""Ends the sentence about arguments that do not fit."""


@dataclass(frozen=True)
class Seen:
    """A call that failed, as agent code saw it; `name` and `cause` are for the end of the run."""

    message: str
    kind: str
    name: str
    cause: Exception | None


@dataclass
class World:
    """One run's. `failures`: the newest calls that failed, newest last.

    `calls`: those that are under way.
    """

    abilities: Abilities
    program: Program
    failures: deque[Seen] = field(default_factory=lambda: deque(maxlen=_REMEMBERED))
    calls: set[asyncio.Task[Any]] = field(default_factory=set[asyncio.Task[Any]])

    def end(self) -> None:
        """No call goes on when its run is over."""
        for call in self.calls - {asyncio.current_task()}:
            call.cancel()

    def modules(self) -> Mapping[str, ExternalModule]:
        """What can be imported beside the engine's own modules."""
        return {
            "httpx": ExternalModule({"AsyncClient": self._made(AsyncClient), "Timeout": httpx_timeout}),
            "litellm": ExternalModule({"acompletion": self._told(self._acompletion)}),
            "agent_factory": ExternalModule(
                {"remote_mcp_client": ExternalModule({"RemoteMCPClient": self._made(RemoteMCPClient)})}
            ),
            "urllib": ExternalModule({"parse": ExternalModule({**self._all_told(small_modules.PARSE)})}),
            "uuid": ExternalModule(self._all_told(small_modules.UUID)),
            "html": ExternalModule(self._all_told(small_modules.HTML)),
            "string": ExternalModule(dict(small_modules.STRING)),
        }

    def names(self) -> dict[str, Any]:
        """What is there without an import."""
        return {
            "call_llm": self._told(self._call_llm),
            "http_client": self.instance(AsyncClient(self.abilities, follow_redirects=True)),
            "mcpc": {url: self.instance(RemoteMCPClient(self.abilities, url)) for url in self.program.tools},
            "gofannon_client": self.instance(GofannonClient(self.abilities)),
        }

    async def _call_llm(
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
        """(content, thoughts). `user_service` and `user_id` are taken and ignored, as older code passes them."""
        answer = await self.abilities.call_model(
            text_or_none("provider", provider),
            text_or_none("model", model),
            json_value("messages", messages),
            json_object("parameters", parameters or {}),
            json_list("tools", tools or []),
            seconds(timeout),
        )
        return answer.content, answer.thoughts

    async def _acompletion(self, model: Any = None, messages: Any = None, **parameters: Any) -> Any:
        tools = parameters.pop("tools", None)
        timeout = parameters.pop("timeout", None)
        answer = await self.abilities.call_model(
            None,
            text_or_none("model", model),
            json_value("messages", messages),
            json_object("parameters", parameters),
            json_list("tools", tools or []),
            seconds(timeout),
        )
        return self.instance(ModelResponse(answer))

    def instance(self, value: Any) -> ClassInstance:
        """One of our objects, with what it shows."""
        return _Wrapped(value, eager_attrs=value.shows, allowed_methods=value.methods, world=self)

    def shown(self, value: Any) -> Any:
        """A value as it goes in: our objects wrapped, all others as they are."""
        if isinstance(value, _SHOWN):
            return self.instance(value)
        if isinstance(value, StandardParseResult):
            return self.instance(ParseResult(value))
        if isinstance(value, list):
            return [self.shown(item) for item in cast("list[Any]", value)]
        return value

    def _made(self, kind: type[Any]) -> ClassType:
        return _Made(kind, init=True, world=self)

    def _all_told(self, items: Mapping[str, Any]) -> dict[str, Any]:
        return {name: self._told(item) if callable(item) else item for name, item in items.items()}

    def _told(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function, with its failures turned into what the code inside can catch."""
        name = function.__name__.strip("_")
        if inspect.iscoroutinefunction(function):

            async def asynchronous(*args: Any, **kwargs: Any) -> Any:
                try:
                    call = function(*args, **kwargs)
                except TypeError as error:
                    raise self.seen(error, name) from error
                return await self.awaited(name, call)

            asynchronous.__name__ = name
            return asynchronous

        def synchronous(*args: Any, **kwargs: Any) -> Any:
            try:
                return self.shown(function(*args, **kwargs))
            except Exception as error:
                raise self.seen(error, name) from error

        synchronous.__name__ = name
        return synchronous

    async def awaited(self, name: str, call: Coroutine[Any, Any, Any]) -> Any:
        """A call that takes time, and is ended with its run."""
        task = asyncio.current_task()
        if task is not None:
            self.calls.add(task)
        try:
            return await call
        except Exception as error:
            raise self.seen(error, name) from error
        finally:
            self.calls.discard(task)  # pyright: ignore[reportArgumentType] - None is simply not there

    def seen(self, error: Exception, name: str) -> Exception:
        """What the code inside sees of a failed call, noted for the end of the run."""
        match error:
            case CallFailed():
                failed = error
            case TypeError() if "argument" in str(error):
                words = str(error).split("()", 1)[-1]  # without what it is called in here
                failed = CallFailed(f"{name}(){words}{_USAGE.get(name, '')}", TypeError)
            case _:
                _log.exception("A call out of the sandbox broke", extra={"fields": {"call": name}})
                failed = CallFailed("Something went wrong on our side.")
        # Without what hangs on the exceptions: the arguments of the calls, which may be large.
        cause = failed.cause.with_traceback(None) if failed.cause else None
        self.failures.append(Seen(failed.message, failed.kind.__name__, failed.name, cause))
        return failed.kind(failed.message)


@dataclass
class _Wrapped(ClassInstance):
    """Wraps what an object's attributes and methods give, and turns failures into what the code inside can catch."""

    world: World | None = None

    def convert_value(self, /, name: str, value: Any) -> Any:
        return self._world.shown(value)

    def call_method(self, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if name not in self.value.methods:
            return super().call_method(name, args, kwargs)
        try:
            result = super().call_method(name, args, kwargs)
        except Exception as error:
            raise self._world.seen(error, name) from error
        return self._world.awaited(name, result) if inspect.iscoroutine(result) else result

    @property
    def _world(self) -> World:
        assert self.world is not None  # noqa: S101 - only the world makes one
        return self.world


@dataclass
class _Made(ClassType):
    """A class that the code inside may construct."""

    world: World | None = None

    def construct(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> ClassInstance:
        assert self.world is not None  # noqa: S101 - only the world makes one
        try:
            return self.world.instance(self.value(self.world.abilities, *args, **kwargs))
        except Exception as error:
            raise self.world.seen(error, self.value.__name__) from error


_SHOWN = (
    AsyncClient,
    Response,
    RemoteMCPClient,
    Tool,
    GofannonClient,
    ModelResponse,
    Choice,
    Reply,
    Usage,
    ParseResult,
)

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
from shared.sandbox.failures import Seen
from shared.sandbox.fast import small_modules
from shared.sandbox.fast.small_modules import ParseResult
from shared.sandbox.inside.calls import Abilities, CallFailed
from shared.sandbox.inside.failures import call_failed
from shared.sandbox.inside.http_objects import AsyncClient, Response, httpx_timeout
from shared.sandbox.inside.model_functions import ModelFunctions
from shared.sandbox.inside.objects import (
    Choice,
    GofannonClient,
    ModelResponse,
    RemoteMCPClient,
    Reply,
    Tool,
    Usage,
)
from shared.sandbox.program import Program

_log = get_logger("sandbox")
_REMEMBERED = 50


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
            "litellm": ExternalModule({"acompletion": self._told(ModelFunctions(self.abilities).acompletion)}),
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
            "call_llm": self._told(ModelFunctions(self.abilities).call_llm),
            "http_client": self.instance(AsyncClient(self.abilities, follow_redirects=True)),
            "mcpc": {url: self.instance(RemoteMCPClient(self.abilities, url)) for url in self.program.tools},
            "gofannon_client": self.instance(GofannonClient(self.abilities)),
        }

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
                return self.shown(await self.awaited(name, call))

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
        failed = call_failed(error, name)
        if failed is None:
            _log.exception("A call out of the sandbox broke", extra={"fields": {"call": name}})
            failed = CallFailed("Something went wrong on our side.")
        self.failures.append(Seen.of(failed))
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

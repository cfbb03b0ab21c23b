"""An event loop for asyncio that waits for the host instead of sockets."""

from __future__ import annotations

import asyncio
import itertools
import sys
from asyncio import base_events
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from shared.sandbox.guest.channel import Channel

_FILE = "agent.py"
_MAX_SELECT_SECONDS = 3e6
"""asyncio never waits longer than a day. A run that sleeps for a month should be woken once."""
cast("Any", base_events).MAXIMUM_SELECT_TIMEOUT = _MAX_SELECT_SECONDS


class HostLoop(asyncio.BaseEventLoop):
    """Supports everything in asyncio except sockets, processes and threads."""

    def __init__(self, channel: Channel) -> None:
        super().__init__()
        self._channel = channel
        self._calls: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._numbers = itertools.count(1)
        cast("Any", self)._selector = self  # asyncio calls its `select`

    def create_task(self, coro: Any, *, name: object = None, **kwargs: Any) -> asyncio.Task[Any]:
        """Creates a task. Tasks are numbered from 1 here, as Python's counter has advanced before the snapshot."""
        return super().create_task(coro, name=f"Task-{next(self._numbers)}" if name is None else str(name), **kwargs)

    async def call(self, function: str, arguments: str) -> dict[str, Any]:
        """Calls a host function, with its arguments as JSON text. The host's answer has `value` or `error`."""
        number = self._channel.call(function, arguments, _find_line())
        answer = self._calls[number] = self.create_future()
        try:
            return await answer
        except asyncio.CancelledError:  # the code no longer waits for the answer
            if self._calls.pop(number, None) is not None:
                self._channel.cancel(number)
            raise

    def select(self, timeout: float | None) -> list[Any]:
        """Waits for answers and passes them to the calls.

        asyncio calls this method to wait for events of sockets. There are none, so it returns an empty list.
        """
        if not self._channel.answers:
            if timeout is not None and timeout <= 0:
                self._channel.poll()
            else:
                self._channel.wait(timeout)
        answers, self._channel.answers = self._channel.answers, []
        for answer in answers:
            call = self._calls.pop(answer["number"], None)
            if call is not None and not call.done():
                call.set_result(answer)
        return []

    def _process_events(self, event_list: list[Any]) -> None:
        pass

    def _write_to_self(self) -> None:
        """Does nothing, as there are no other threads that could wake this one."""


def _find_line() -> int:
    """Returns the line of the agent's code that makes the call, 0 if it is not known."""
    frame: Any = getattr(sys, "_getframe")(1)  # noqa: B009 - `inspect.currentframe` is slower
    while frame is not None:
        if frame.f_code.co_filename == _FILE:
            return frame.f_lineno or 0
        frame = frame.f_back
    return 0

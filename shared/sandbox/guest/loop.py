"""An event loop of asyncio's own make, which waits for the host where others wait for sockets."""

from __future__ import annotations

import asyncio
import itertools
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from shared.sandbox.guest.channel import Channel


class HostLoop(asyncio.BaseEventLoop):
    """Runs everything that asyncio has, but for sockets, processes and threads."""

    def __init__(self, channel: Channel) -> None:
        super().__init__()
        self._channel = channel
        self._calls: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._numbers = itertools.count(1)
        cast("Any", self)._selector = self  # asyncio asks this for what has happened

    def create_task(self, coro: Any, *, name: object = None, **kwargs: Any) -> asyncio.Task[Any]:
        """As ever; Python itself would go on counting where the programs before the snapshot ended."""
        return super().create_task(coro, name=f"Task-{next(self._numbers)}" if name is None else str(name), **kwargs)

    async def called(self, function: str, arguments: str) -> dict[str, Any]:
        """The host's answer: `value`, or `error`. `arguments`: JSON."""
        number = self._channel.call(function, arguments)
        answer = self._calls[number] = self.create_future()
        return await answer

    def select(self, timeout: float | None) -> list[Any]:
        """What asyncio calls to wait. What arrived is handed on here, so there is nothing to return."""
        if not self._channel.answers:
            if timeout is not None and timeout <= 0:
                self._channel.look()
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
        """There are no threads that it would wake this one for."""

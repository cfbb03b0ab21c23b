"""Sends reads that are requested at the same time in one request.

A request for one document costs almost as much as a request for several, both here and in Firestore. The reads of all
requests that a process serves are combined, because services read concurrently what they need.
"""

import asyncio
from collections.abc import Sequence
from contextlib import aclosing
from functools import partial

from google.api_core.exceptions import InvalidArgument, ServiceUnavailable
from google.cloud.firestore import AsyncClient, AsyncDocumentReference

from shared.per_loop import per_loop
from shared.store.documents import Snapshot, client_of, fetch, name_of

MAX_TOGETHER = 100
"""The maximum number of documents in one request. A response has one message for each document."""
_Waiting = dict[str, list[asyncio.Future[Snapshot]]]


class Reader:
    """Reads documents over one client. Each document is read after it was requested, so it is never older."""

    def __init__(self, client: AsyncClient) -> None:
        self._client = client
        self._waiting: _Waiting = {}
        self._requests: set[asyncio.Task[None]] = set()

    async def read(self, reference: AsyncDocumentReference) -> Snapshot:
        """Returns the document. One read. Raises `GoogleAPICallError` and `RetryError`."""
        loop = asyncio.get_running_loop()
        if not self._waiting:
            # Two rounds of the loop: the first starts tasks that `gather` has just created, which read as well.
            loop.call_soon(loop.call_soon, self._send)
        future: asyncio.Future[Snapshot] = loop.create_future()
        self._waiting.setdefault(name_of(reference), []).append(future)
        return await future

    def _send(self) -> None:
        waiting, self._waiting = self._waiting, {}
        names = [name for name, futures in waiting.items() if not all(future.done() for future in futures)]
        for start in range(0, len(names), MAX_TOGETHER):
            chunk = {name: waiting[name] for name in names[start : start + MAX_TOGETHER]}
            request = asyncio.create_task(self._fetch(chunk))
            self._requests.add(request)
            request.add_done_callback(self._requests.discard)
            for futures in chunk.values():
                for future in futures:
                    future.add_done_callback(partial(_end_abandoned, request, chunk))

    async def _fetch(self, waiting: _Waiting) -> None:
        """Reads the documents, and gives each to its readers as soon as it arrives: another one may be large."""
        try:
            async with aclosing(fetch(self._client, list(waiting))) as documents:
                async for name, snapshot in documents:
                    _resolve(waiting.pop(name), snapshot)
            _fail(waiting, ServiceUnavailable("Firestore did not return a document."))
        except InvalidArgument as error:
            if len(waiting) == 1:
                _fail(waiting, error)
            else:  # only one of the names may be invalid
                await asyncio.gather(*(self._fetch({name: futures}) for name, futures in waiting.items()))
        except Exception as error:
            _fail(waiting, error)


def _end_abandoned(request: asyncio.Task[None], waiting: _Waiting, future: asyncio.Future[Snapshot]) -> None:
    """Ends a request when the last of its readers has stopped waiting, so that none pile up when Firestore stalls."""
    if future.cancelled() and all(other.done() for futures in waiting.values() for other in futures):
        request.cancel()


def _resolve(futures: Sequence[asyncio.Future[Snapshot]], snapshot: Snapshot) -> None:
    for future in futures:
        if not future.done():  # a caller may have stopped waiting
            future.set_result(snapshot)


def _fail(waiting: _Waiting, error: Exception) -> None:
    for futures in waiting.values():
        for future in futures:
            if not future.done():
                future.set_exception(error)


@per_loop
def _reader(client: AsyncClient) -> Reader:
    return Reader(client)


async def read_snapshot(reference: AsyncDocumentReference) -> Snapshot:
    """Returns the document as it is now. One read. Raises `GoogleAPICallError` and `RetryError`."""
    return await _reader(client_of(reference)).read(reference)

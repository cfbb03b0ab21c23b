"""Reads that are requested at the same time are sent together, and do not affect each other."""

import asyncio
from typing import Any

import pytest
from google.api_core.exceptions import InvalidArgument, ServiceUnavailable
from google.cloud.firestore import AsyncDocumentReference

from shared.store import Database
from shared.store.reads import MAX_TOGETHER
from shared.store.transaction import read


def document(database: Database, name: str, collection: str = "things") -> AsyncDocumentReference:
    return database._client.collection(collection).document(name)  # pyright: ignore[reportPrivateUsage]


async def test_concurrent_reads_are_one_request(database: Database, reads: list[int]) -> None:
    """Reads of different documents, and of the same one, are sent in one request. Each gets its document."""
    await document(database, "a").set({"x": 1})
    results = await asyncio.gather(*(read(document(database, name), None) for name in "abab"))
    assert results == [{"x": 1}, None, {"x": 1}, None]
    assert reads == [2]


async def test_a_read_is_never_older_than_its_request(database: Database, reads: list[int]) -> None:
    """A read that is requested while another is under way is sent separately, so it sees what was written before."""
    reference = document(database, "a")
    first = asyncio.create_task(read(reference, None))
    for _ in range(10):  # rounds of the event loop, until the request is sent
        await asyncio.sleep(0)
    assert reads == [1]
    await reference.set({"x": 1})
    assert await read(reference, None) == {"x": 1}
    await first
    assert reads == [1, 1]


async def test_many_reads_are_several_requests(database: Database, reads: list[int]) -> None:
    """A request reads a limited number of documents."""
    await asyncio.gather(*(read(document(database, str(number)), None) for number in range(MAX_TOGETHER + 1)))
    assert sorted(reads) == [1, MAX_TOGETHER]


async def test_an_invalid_name_fails_alone(database: Database) -> None:
    """Firestore rejects a request with an invalid name as a whole. The other documents are then read separately."""
    await document(database, "a").set({"x": 1})
    results = await asyncio.gather(
        read(document(database, "a"), None),
        read(document(database, "a", "__reserved__"), None),
        read(document(database, "b"), None),
        return_exceptions=True,
    )
    assert (results[0], results[2]) == ({"x": 1}, None)
    assert isinstance(results[1], InvalidArgument)


async def test_an_error_reaches_every_reader(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """If the request fails, all of its readers get the error."""

    async def fail(*_: Any, **__: Any) -> Any:
        raise ServiceUnavailable("gone")

    monkeypatch.setattr(database._client._firestore_api, "batch_get_documents", fail)  # pyright: ignore[reportPrivateUsage]
    results = await asyncio.gather(*(read(document(database, name), None) for name in "ab"), return_exceptions=True)
    assert [type(result) for result in results] == [ServiceUnavailable, ServiceUnavailable]


async def test_a_reader_who_leaves_does_not_disturb_the_others(database: Database, reads: list[int]) -> None:
    """A reader that is cancelled does not cancel the read of another. A document whose readers have all left is not
    read."""
    await document(database, "a").set({"x": 1})
    leaving, staying, alone = (asyncio.create_task(read(document(database, name), None)) for name in "aab")
    await asyncio.sleep(0)
    leaving.cancel()
    alone.cancel()
    assert await staying == {"x": 1}
    assert reads == [1]


async def test_documents_are_passed_on_as_they_arrive(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """A reader gets its document when it arrives, and does not wait for others of the same request. If the request
    fails in the middle, only the readers of the missing documents get the error."""
    await document(database, "a").set({"x": 1})
    api: Any = database._client._firestore_api  # pyright: ignore[reportPrivateUsage]
    batch_get = api.batch_get_documents
    broken = asyncio.Event()

    async def break_off(*args: Any, **options: Any) -> Any:
        responses = await batch_get(*args, **options)

        async def first_only() -> Any:
            async for response in responses:
                yield response
                await broken.wait()
                raise ServiceUnavailable("gone")

        return first_only()

    monkeypatch.setattr(api, "batch_get_documents", break_off)
    reading = [asyncio.create_task(read(document(database, name), None)) for name in "ab"]
    done, waiting = await asyncio.wait(reading, return_when=asyncio.FIRST_COMPLETED)
    assert (len(done), len(waiting)) == (1, 1)
    broken.set()
    with pytest.raises(ServiceUnavailable):
        await waiting.pop()


async def test_a_request_ends_when_its_readers_have_left(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """If Firestore does not respond, a request does not stay under way after the last of its readers has left."""
    under_way = 0

    async def respond_never(*_: Any, **__: Any) -> Any:
        nonlocal under_way
        under_way += 1
        try:
            await asyncio.Event().wait()
        finally:
            under_way -= 1

    monkeypatch.setattr(database._client._firestore_api, "batch_get_documents", respond_never)  # pyright: ignore[reportPrivateUsage]
    reading = [asyncio.create_task(read(document(database, name), None)) for name in "aab"]
    for _ in range(10):
        await asyncio.sleep(0)
    for number, reader in enumerate(reading):
        assert under_way == 1, number
        reader.cancel()
        await asyncio.gather(reader, return_exceptions=True)
        for _ in range(10):
            await asyncio.sleep(0)
    assert under_way == 0

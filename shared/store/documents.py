"""The requests that read, write and watch documents by their names.

They use the protocol's messages directly, because the client library's wrappers of the messages take longer than the
requests. This is the only module that uses private parts of the library: its connection and its headers, and the full
names of documents.
"""

from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from google.api_core.exceptions import DataLoss
from google.cloud.firestore import AsyncClient, AsyncDocumentReference
from google.cloud.firestore_v1.types import (
    BatchGetDocumentsRequest,
    CommitRequest,
    ListenRequest,
    ListenResponse,
    Write,
)

from shared.store.values import decode_fields, encode_fields

COMMITS = "commits"
"""The field in every document that lists the ids of the last commits that wrote it, separated by spaces."""
_Read: Any = BatchGetDocumentsRequest.pb()
_Commit: Any = CommitRequest.pb()
_Write: Any = Write.pb()
_Listen: Any = ListenRequest.pb()


@dataclass(frozen=True)
class Snapshot:
    """A document as it was read. A document that does not exist has neither fields nor times.

    `commits`: the ids of the last commits that wrote it. The times are messages of the protocol, which have
    nanoseconds.
    """

    fields: Mapping[str, Any] | None = None
    commits: tuple[str, ...] = ()
    update_time: Any = None
    create_time: Any = None


MISSING = Snapshot()
"""A document that does not exist."""


def name_of(reference: AsyncDocumentReference) -> str:
    """Returns the document's full name, with the project and the database."""
    name: str = reference._document_path  # pyright: ignore[reportPrivateUsage]
    return name


def client_of(reference: AsyncDocumentReference) -> AsyncClient:
    """Returns the client that the reference belongs to."""
    client: AsyncClient = reference._client  # pyright: ignore[reportPrivateUsage]
    return client


def uses_emulator(client: AsyncClient) -> bool:
    """Whether the client is connected to the emulator."""
    return client._emulator_host is not None  # pyright: ignore[reportPrivateUsage]


async def fetch(client: AsyncClient, names: Sequence[str]) -> AsyncGenerator[tuple[str, Snapshot]]:
    """Reads documents by their full names, and yields them as they arrive, in any order.

    One request, and one read for each document. Raises `GoogleAPICallError` and `RetryError`.
    """
    request = _Read(database=client._database_string, documents=names)  # pyright: ignore[reportPrivateUsage]
    responses: Any = await client._firestore_api.batch_get_documents(  # pyright: ignore[reportPrivateUsage]
        request=BatchGetDocumentsRequest.wrap(request),
        metadata=client._rpc_metadata,  # pyright: ignore[reportPrivateUsage]
    )
    async for response in responses:
        message = type(response).pb(response)
        match message.WhichOneof("result"):
            case "found":
                yield message.found.name, to_snapshot(message.found)
            case "missing":
                yield message.missing, MISSING
            case _:
                pass  # a response that only reports progress


def to_snapshot(document: Any) -> Snapshot:
    """Returns a document of the protocol."""
    fields = decode_fields(document.fields)
    commits = fields.pop(COMMITS, "")
    if isinstance(commits, str):  # documents that were stored by an earlier version have a list
        commits = commits.split()
    return Snapshot(fields, tuple(commits), document.update_time, document.create_time)


def build_create(name: str, fields: Mapping[str, Any], commit_id: str) -> Any:
    """Returns the write of a new document. A commit with it fails if the document exists."""
    write = _build_set(name, fields, (commit_id,))
    write.current_document.exists = False
    return write


def build_replace(name: str, fields: Mapping[str, Any], commit_id: str, seen: Snapshot, max_commits: int) -> Any:
    """Returns the write that replaces a document. A commit with it fails if the document is not the one `seen`."""
    write = _build_set(name, fields, (*seen.commits[1 - max_commits :], commit_id))
    write.current_document.update_time.CopyFrom(seen.update_time)
    return write


def build_delete(name: str, seen: Snapshot | None) -> Any:
    """Returns the write that deletes a document. A commit with it fails if the document is not the one `seen`.

    If that is None, deletes any document, and none is no error.
    """
    write = _Write(delete=name)
    if seen is not None:
        write.current_document.update_time.CopyFrom(seen.update_time)
    return write


def _build_set(name: str, fields: Mapping[str, Any], commits: Iterable[str]) -> Any:
    write = _Write()
    write.update.name = name
    encode_fields(fields, write.update.fields)
    write.update.fields[COMMITS].string_value = " ".join(commits)
    return write


async def commit(client: AsyncClient, writes: Sequence[Any]) -> None:
    """Applies all of the writes, or none. One request, and one write for each. Raises `GoogleAPICallError`."""
    request = _Commit(database=client._database_string, writes=writes)  # pyright: ignore[reportPrivateUsage]
    await client._firestore_api.commit(  # pyright: ignore[reportPrivateUsage]
        request=CommitRequest.wrap(request),
        metadata=client._rpc_metadata,  # pyright: ignore[reportPrivateUsage]
    )


def build_listen(client: AsyncClient, **change: Any) -> Any:
    """Returns the request that adds a target to a stream, or removes one."""
    return _Listen(database=client._database_string, **change)  # pyright: ignore[reportPrivateUsage]


async def listen(client: AsyncClient, requests: AsyncIterator[Any]) -> AsyncGenerator[Any]:
    """Opens a stream that reports changes to the targets that `requests` add. Yields its responses until it ends.

    Must be closed after use. Raises `grpc.RpcError`, and `DataLoss` for a message that cannot be read.
    """
    call: Any = client._firestore_api.transport.listen(  # pyright: ignore[reportPrivateUsage]
        _wrap(requests),
        metadata=client._rpc_metadata,  # pyright: ignore[reportPrivateUsage]
    )
    try:
        async for response in call:
            if response is None:  # gRPC logs a message that it cannot decode, and returns None for it
                raise DataLoss("Firestore sent a message that cannot be read.")
            yield ListenResponse.pb(response)
    finally:
        call.cancel()


async def _wrap(requests: AsyncIterable[Any]) -> AsyncGenerator[ListenRequest]:
    async for request in requests:
        yield ListenRequest.wrap(request)

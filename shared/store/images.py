"""The images of requests: `requests/{id}/images/{n}` stores a piece of their bytes. Only functions can read it.

A request's document has a reference in the place of each image that was sent as a `data:` URL, because a document is
limited to 1 MiB. The images are stored before their ticket, so an accepted ticket never lacks them. They are deleted
with the request. Those of a request that was refused are deleted at once or, if that fails, by Firestore's TTL on
`expire_at`.
"""

import asyncio
import binascii
import math
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, cast

from google.cloud.firestore import AsyncClient, AsyncCollectionReference

from shared.models.chat import ChatRequest, ImagePart, TextPart
from shared.models.images import ImageData
from shared.models.stored_input import StoredInput
from shared.store.deletion import delete_documents
from shared.store.transaction import Transaction, read

CHUNK_BYTES = 900_000
"""The maximum number of bytes in a document, below Firestore's limit of 1,048,576 bytes."""
COMMIT_BYTES = 4 * CHUNK_BYTES
"""The maximum number of bytes that one commit writes. Firestore accepts 10 MiB, and its emulator 4 MiB."""
_MAX_CHUNKS = 100
"""The maximum number of documents that are deleted. A request has far fewer."""
_REFERENCE = "stored:"
_DATA = "data:"
_NOWHERE = "https://stored.invalid/"
"""The address of an image that was not read. The domain is reserved (RFC 2606)."""


class ImageStore:
    """Reads and writes the images of requests. `lifetime`: how long they are stored after their ticket's creation."""

    def __init__(self, client: AsyncClient, lifetime: timedelta) -> None:
        self._client = client
        self._lifetime = lifetime

    def _chunks(self, ticket_id: str) -> AsyncCollectionReference:
        return self._client.collection("requests").document(ticket_id).collection("images")

    def add_in(self, transaction: Transaction, ticket_id: str, images: bytes, start: int, created_at: datetime) -> None:
        """Writes `COMMIT_BYTES` of the images of a request that is not stored yet, from `start`. A write per chunk."""
        for at in range(start, min(start + COMMIT_BYTES, len(images)), CHUNK_BYTES):
            document = {"data": images[at : at + CHUNK_BYTES], "expire_at": created_at + self._lifetime}
            transaction.create(self._chunks(ticket_id).document(str(at // CHUNK_BYTES)), document)

    async def read(self, ticket_id: str, size: int) -> bytes | None:
        """Returns the `size` bytes of a request's images, None if any of them is gone. One read for each chunk."""
        references = [self._chunks(ticket_id).document(str(n)) for n in range(count_chunks(size))]
        documents = await asyncio.gather(*(read(reference, None) for reference in references))
        images = b"".join(document["data"] for document in documents if document is not None)
        return images if len(images) == size else None

    async def delete(self, ticket_id: str) -> None:
        """Deletes the images of a request, if it has any. See `delete_documents`."""
        await delete_documents(self._client, self._chunks(ticket_id).select([]).order_by("__name__"), _MAX_CHUNKS)


def count_chunks(size: int) -> int:
    """Returns the number of documents that so many bytes take."""
    return math.ceil(size / CHUNK_BYTES)


def has_images(request: StoredInput) -> bool:
    """Whether the request has images that must be stored before it."""
    return isinstance(request, ChatRequest) and any(
        isinstance(part, ImagePart) and part.image_url.url.startswith(_DATA) for part in _list_parts(request)
    )


def detach_images(request: StoredInput) -> tuple[StoredInput, bytes]:
    """Returns the request with a reference in the place of each image, and the bytes of the images, joined.

    The result is only to be stored, as a reference is not a valid URL.
    """
    if not isinstance(request, ChatRequest) or not has_images(request):
        return request, b""
    images = bytearray()

    def detach(part: TextPart | ImagePart) -> TextPart | ImagePart:
        if not isinstance(part, ImagePart) or not part.image_url.url.startswith(_DATA):
            return part
        head, _, encoded = part.image_url.url.partition(",")
        start = len(images)
        images.extend(binascii.a2b_base64(encoded))
        media_type = head.removeprefix(_DATA).partition(";")[0]
        image_url = part.image_url.model_copy(update={"url": f"{_REFERENCE}{media_type}:{start}:{len(images)}"})
        return part.model_copy(update={"image_url": image_url})

    messages = [
        message
        if isinstance(message.content, str)
        else message.model_copy(update={"content": [detach(part) for part in message.content]})
        for message in request.messages
    ]
    return request.model_copy(update={"messages": messages}), bytes(images)


def attach_images(body: dict[str, Any], images: bytes) -> dict[str, Any]:
    """Puts the images into the JSON of a request that `detach_images` has returned. Changes `body` itself."""
    for image_url in _list_references(body):
        media_type, start, end = image_url["url"].removeprefix(_REFERENCE).split(":")
        image_url["url"] = ImageData(media_type, images[int(start) : int(end)]).url
    return body


def omit_images(body: dict[str, Any]) -> dict[str, Any]:
    """Puts an address that leads nowhere in the place of each image of such a request. Changes `body` itself."""
    for image_url in _list_references(body):
        image_url["url"] = _NOWHERE
    return body


def _list_parts(request: ChatRequest) -> Iterator[TextPart | ImagePart]:
    for message in request.messages:
        if not isinstance(message.content, str):
            yield from message.content


def _list_references(body: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for message in body["messages"]:
        content = message["content"]
        if isinstance(content, list):
            for part in cast("list[dict[str, Any]]", content):
                if part["type"] == "image_url" and part["image_url"]["url"].startswith(_REFERENCE):
                    yield part["image_url"]

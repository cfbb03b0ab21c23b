"""Fetches the images that a request names by their addresses, just before its model is called.

They are fetched here and not by a provider or a library, so that no address inside the network can be reached, and the
provider learns no address that may contain a secret. They are not stored.
"""

import asyncio
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from shared.late_imports import import_late
from shared.llm.failures import ModelFailure
from shared.models.chat import ChatRequest, ImagePart, TextPart, images_of
from shared.models.errors import ServiceError
from shared.models.images import MAX_IMAGE_BYTES, check_sizes, recognize, size_of
from shared.settings import Settings

if TYPE_CHECKING:
    from shared.outbound.http import Outbound

FETCH_SECONDS = 30.0
"""The time limit for all images of a request together."""
_AT_ONCE = 4
"""The maximum number of images of a request that are fetched at the same time. It bounds what is read beyond the limit
of their total size."""
_DATA = "data:"
R = TypeVar("R", bound=ChatRequest)


def list_addresses(request: ChatRequest) -> list[str]:
    """Returns the addresses of the images that have to be fetched, each once."""
    return list(_count_uses(request))


async def fetch_images(request: R, settings: Settings) -> R:
    """Returns the request with all images as `data:` URLs.

    Raises `ModelFailure` for an image that cannot be fetched, that is not an image, or that is too large.
    """
    addresses = list_addresses(request)
    if not addresses:
        return request
    module = await import_late("shared.outbound.http")
    outbound = module.Outbound(settings.model_copy(update={"outbound_max_bytes": MAX_IMAGE_BYTES}))
    fetch = _Fetch(outbound, _list_sizes(request), _count_uses(request), asyncio.Semaphore(_AT_ONCE))
    try:
        async with asyncio.timeout(FETCH_SECONDS), asyncio.TaskGroup() as tasks:
            fetched = {address: tasks.create_task(fetch.fetch(address)) for address in addresses}
    except TimeoutError as error:
        raise ModelFailure(f"The images could not be fetched within {FETCH_SECONDS:g} s.", transient=True) from error
    except ExceptionGroup as errors:
        raise errors.exceptions[0] from errors
    urls = {address: task.result() for address, task in fetched.items()}
    return _replace_urls(request, urls)


@dataclass(frozen=True)
class _Fetch:
    """Fetches images of one request. `sizes`: the sizes in bytes of those that are there. `uses`: how often the request
    has each address.
    """

    outbound: "Outbound"
    sizes: list[int]
    uses: Counter[str]
    turns: asyncio.Semaphore

    async def fetch(self, address: str) -> str:
        """Returns the image as a `data:` URL. Raises `ModelFailure`."""
        from shared.outbound import errors
        from shared.outbound.http import Request

        try:
            async with self.turns:
                request = Request(method="GET", url=address, headers={"Accept": "image/*"}, follow_redirects=True)
                response = await self.outbound.send(request)
        except errors.TooLong as error:
            raise ModelFailure(
                f"An image is too large: the limit is {MAX_IMAGE_BYTES} bytes.", transient=False
            ) from error
        except errors.OutboundError as error:
            is_transient = isinstance(error, errors.TooSlow | errors.Unreachable)
            raise ModelFailure(f"An image could not be fetched. {error.message}", transient=is_transient) from error
        if response.status_code != 200:
            is_transient = response.status_code in (408, 429) or response.status_code >= 500
            raise ModelFailure(
                f"An image could not be fetched: its server responded with {response.status_code}.",
                transient=is_transient,
            )
        try:
            image = recognize(response.content)
            self.sizes.extend([len(image.data)] * self.uses[address])
            check_sizes(self.sizes)
        except ServiceError as error:
            raise ModelFailure(f"An image that was fetched cannot be sent. {error.message}", transient=False) from error
        return image.url


def _count_uses(request: ChatRequest) -> Counter[str]:
    urls = (image.url for image in images_of(message.content for message in request.messages))
    return Counter(url for url in urls if not url.startswith(_DATA))


def _list_sizes(request: ChatRequest) -> list[int]:
    urls = (image.url for image in images_of(message.content for message in request.messages))
    return [size_of(url) for url in urls if url.startswith(_DATA)]


def _replace_urls(request: R, urls: dict[str, str]) -> R:
    def replace(part: TextPart | ImagePart) -> TextPart | ImagePart:
        if not isinstance(part, ImagePart) or part.image_url.url not in urls:
            return part
        image_url = part.image_url.model_copy(update={"url": urls[part.image_url.url]})
        return part.model_copy(update={"image_url": image_url})

    messages = [
        message
        if isinstance(message.content, str)
        else message.model_copy(update={"content": [replace(part) for part in message.content]})
        for message in request.messages
    ]
    return request.model_copy(update={"messages": messages})

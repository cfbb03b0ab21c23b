"""The images in a call: the tokens that they count as, and the bytes of the request that are not text."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from shared.llm.catalog import ModelRoute

UNKNOWN_IMAGE_TOKENS = 100_000
"""The tokens that an image is assumed to count as if the catalog does not say it. No known model counts more."""


@dataclass(frozen=True)
class ImageCount:
    """`tokens`: the most tokens that the images of a call count as. `size`: the length of their base64, in bytes."""

    tokens: int = 0
    size: int = 0


NO_IMAGES = ImageCount()


def list_image_urls(messages: Sequence[Mapping[str, Any]]) -> list[str]:
    """Returns the URLs of the images in messages as they are sent."""
    return [part["image_url"]["url"] for part in _list_parts(messages)]


def count_images(route: ModelRoute, messages: Sequence[Mapping[str, Any]]) -> ImageCount:
    """Counts the images in messages as they are sent."""
    urls = list_image_urls(messages)
    tokens = UNKNOWN_IMAGE_TOKENS if route.image is None else route.image.tokens
    return ImageCount(len(urls) * tokens, sum(len(url.partition(",")[2]) for url in urls if url.startswith("data:")))


def without_images(messages: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Returns the messages with empty URLs in the place of images, which count as tokens of their own."""
    return [
        dict(message)
        if not _list_parts([message])
        else {**message, "content": [_without_url(part) for part in message["content"]]}
        for message in messages
    ]


def _list_parts(messages: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    return [
        part
        for message in messages
        if isinstance(message["content"], list)
        for part in cast("list[dict[str, Any]]", message["content"])
        if part["type"] == "image_url"
    ]


def _without_url(part: dict[str, Any]) -> dict[str, Any]:
    return {**part, "image_url": {**part["image_url"], "url": ""}} if part["type"] == "image_url" else part

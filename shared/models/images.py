"""The images that messages may contain: their forms, their types, and their limits.

An image is checked as far as this is possible without decoding its pixels: the start of its bytes shows its type and
its dimensions.
"""

import binascii
from collections.abc import Sequence
from typing import NamedTuple
from urllib.parse import urlsplit

from shared.models.errors import BadRequest, TooLarge
from shared.models.image_headers import read_header

MAX_IMAGES = 20
"""The maximum number of images in a request. Amazon's models accept no more:
https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Message.html"""
MAX_IMAGE_BYTES = 3_750_000
"""The maximum size of an image. Amazon accepts no larger one, Anthropic and Google a little more; see `MAX_IMAGES`."""
MAX_IMAGES_BYTES = 8_000_000
"""The maximum size of all images of a request together. The function that accepts it holds them in memory several
times while it checks and stores them."""
MAX_PIXELS = 8_000
"""The maximum width and height of an image. Anthropic and Amazon accept no larger one, and the number of tokens that an
image counts is bounded by it: https://platform.claude.com/docs/en/build-with-claude/vision"""
MAX_URL_LENGTH = 8_000
"""The maximum length of an address of an image."""
_BASE64 = ";base64"
_TYPES = {"image/jpg": "image/jpeg"}
"""Types that are not registered, but often written, with the types that they stand for."""
IMAGE_TYPES = ("image/png", "image/jpeg", "image/gif", "image/webp")
"""The types of images that all models with images accept."""
_ACCEPTED = "PNG, JPEG, GIF and WebP images can be sent."


class ImageData(NamedTuple):
    """The bytes of an image, and its type."""

    media_type: str
    data: bytes

    @property
    def url(self) -> str:
        """The image as a `data:` URL."""
        return f"data:{self.media_type}{_BASE64},{binascii.b2a_base64(self.data, newline=False).decode()}"


def check_image_url(url: str) -> str:
    """Returns the URL of an image in its usual form.

    Raises `BadRequest`, and `TooLarge` for an image that is too large. No message quotes the URL, since it may contain
    the image, or a token that gives access to it.
    """
    if url[:5].lower() == "data:":
        return read_data_url(url).url
    if len(url) > MAX_URL_LENGTH:
        raise BadRequest(f"The address of an image must have at most {MAX_URL_LENGTH} characters.")
    try:
        parts = urlsplit(url)
        is_address = parts.scheme == "https" and bool(parts.hostname) and parts.port != 0  # reading the port checks it
        is_valid = is_address and url.isprintable() and " " not in url
    except ValueError:
        is_valid = False
    if not is_valid:
        raise BadRequest("The url of an image must be an https address, or a data: URL with the image in base64.")
    return url


def read_data_url(url: str) -> ImageData:
    """Returns the image in a `data:` URL. Raises `BadRequest`, and `TooLarge` for an image that is too large."""
    head, comma, encoded = url.partition(",")
    kind = head[5:].lower()
    if not comma or not kind.endswith(_BASE64):
        raise BadRequest("A data: URL of an image must have the form data:image/png;base64,…")
    declared = kind.removesuffix(_BASE64).partition(";")[0].strip()
    declared = _TYPES.get(declared, declared)
    if declared not in IMAGE_TYPES:
        raise BadRequest(f"An image has a type that cannot be sent. {_ACCEPTED}")
    if len(encoded) > MAX_IMAGE_BYTES * 4 // 3 + 4:
        raise _too_large(len(encoded) * 3 // 4)
    try:
        data = binascii.a2b_base64(encoded.encode("ascii"), strict_mode=True)
    except ValueError as error:  # binascii.Error, UnicodeEncodeError
        raise BadRequest("The data: URL of an image is not valid base64.") from error
    image = recognize(data)
    if image.media_type != declared:
        raise BadRequest(f"An image is declared as {declared}, but it is {image.media_type}.")
    return image


def recognize(data: bytes) -> ImageData:
    """Returns the image with the type that its bytes show. Raises `BadRequest`, and `TooLarge` if it is too large."""
    if len(data) > MAX_IMAGE_BYTES:
        raise _too_large(len(data))
    header = read_header(data)
    if header is None:
        raise BadRequest(f"The data of an image is not an image, or is incomplete. {_ACCEPTED}")
    if not (0 < header.width <= MAX_PIXELS and 0 < header.height <= MAX_PIXELS):
        raise BadRequest(
            f"An image has {header.width} × {header.height} pixels; each side must have 1 to {MAX_PIXELS} pixels."
        )
    return ImageData(header.media_type, data)


def check_sizes(sizes: Sequence[int]) -> None:
    """Checks the number of a request's images and their sizes in bytes. An image that is to be fetched has the size 0.

    Raises `BadRequest` for too many, and `TooLarge` if they are too large together.
    """
    if len(sizes) > MAX_IMAGES:
        raise BadRequest(f"The request has {len(sizes)} images; the limit is {MAX_IMAGES}. Send fewer.")
    if (total := sum(sizes)) > MAX_IMAGES_BYTES:
        raise TooLarge(
            f"The images are {total} bytes long together; the limit is {MAX_IMAGES_BYTES}. Send fewer or smaller ones."
        )


def size_of(url: str) -> int:
    """Returns the size in bytes of the image in a URL that `check_image_url` has returned; 0 for an address."""
    if not url.startswith("data:"):
        return 0
    start = url.index(",") + 1
    return (len(url) - start) // 4 * 3 - url.count("=", -2)


def _too_large(size: int) -> TooLarge:
    return TooLarge(f"An image is about {size} bytes long; the limit is {MAX_IMAGE_BYTES}. Send a smaller one.")

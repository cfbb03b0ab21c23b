"""The images in messages: which URLs are accepted, and what is said about the others."""

import base64

import pytest

from shared.models.errors import BadRequest, TooLarge
from shared.models.images import (
    MAX_IMAGE_BYTES,
    MAX_IMAGES,
    MAX_IMAGES_BYTES,
    check_image_url,
    check_sizes,
    read_data_url,
    size_of,
)
from tests.images import GIF, JPEG, PNG, WEBP, data_url


@pytest.mark.parametrize(
    ("media_type", "data"), [("image/png", PNG), ("image/jpeg", JPEG), ("image/gif", GIF), ("image/webp", WEBP)]
)
def test_each_type_is_accepted(media_type: str, data: bytes) -> None:
    """A data URL is accepted if its bytes have the declared type. It is read back without a change."""
    url = data_url(data, media_type)
    assert check_image_url(url) == url
    assert read_data_url(url) == (media_type, data)
    assert size_of(url) == len(data)


@pytest.mark.parametrize("head", ["DATA:image/png;base64,", "data:IMAGE/PNG;Base64,", "data:image/png;name=a;base64,"])
def test_unusual_spellings_become_the_usual_one(head: str) -> None:
    """Upper case and further parameters are removed, because providers may not understand them."""
    assert check_image_url(head + base64.b64encode(PNG).decode()) == data_url(PNG, "image/png")


def test_image_jpg_is_understood_as_jpeg() -> None:
    """The type image/jpg is not registered, but often written."""
    assert check_image_url(data_url(JPEG, "image/jpg")) == data_url(JPEG, "image/jpeg")


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("data:image/png,abc", "data:image/png;base64,…"),
        ("data:image/png;base64", "data:image/png;base64,…"),
        (data_url(PNG, "image/svg+xml"), "PNG, JPEG, GIF and WebP"),
        (data_url(PNG, "text/html"), "PNG, JPEG, GIF and WebP"),
        (data_url(PNG, "image/jpeg"), "declared as image/jpeg, but it is image/png"),
        (data_url(b"<html>", "image/png"), "is not an image"),
        ("data:image/png;base64,", "is not an image"),
        ("data:image/png;base64,iVBORw0KGgo", "not valid base64"),
        ("data:image/png;base64,****", "not valid base64"),
        ("data:image/png;base64,ключ", "not valid base64"),
        ("http://example.com/a.png", "https address"),
        ("ftp://example.com/a.png", "https address"),
        ("https://", "https address"),
        ("https://[::1", "https address"),
        ("https://example.com/a b.png", "https address"),
        ("https://example.com/a\n.png", "https address"),
        ("file:///etc/passwd", "https address"),
        ("stored:0", "https address"),
        ("", "https address"),
        ("https://example.com/" + "a" * 8_000, "8000 characters"),
    ],
)
def test_other_urls_are_refused(url: str, said: str) -> None:
    """The error says what is wrong, without quoting the image or its address."""
    with pytest.raises(BadRequest) as raised:
        check_image_url(url)
    assert said in raised.value.message
    assert "example.com" not in raised.value.message


def test_an_https_address_is_accepted() -> None:
    """An address is accepted unread: it is fetched only when the model is called."""
    assert check_image_url("https://example.com/a.png?b=c") == "https://example.com/a.png?b=c"
    assert size_of("https://example.com/a.png") == 0


@pytest.mark.parametrize("extra", [1, 2, 3, 1_000_000])
def test_the_size_of_an_image_is_limited(extra: int) -> None:
    """The largest image is accepted, and a larger one refused with its size and the limit."""
    largest = PNG.ljust(MAX_IMAGE_BYTES, b"\0")
    assert size_of(check_image_url(data_url(largest, "image/png"))) == MAX_IMAGE_BYTES
    with pytest.raises(TooLarge, match=str(MAX_IMAGE_BYTES)):
        check_image_url(data_url(largest + bytes(extra), "image/png"))


def test_images_are_limited_together() -> None:
    """Both the number and the total size of a request's images are limited."""
    check_sizes([0] * MAX_IMAGES)
    check_sizes([MAX_IMAGES_BYTES - 1, 1])
    with pytest.raises(BadRequest, match=f"{MAX_IMAGES + 1} images"):
        check_sizes([0] * (MAX_IMAGES + 1))
    with pytest.raises(TooLarge, match=str(MAX_IMAGES_BYTES)):
        check_sizes([MAX_IMAGES_BYTES, 1])

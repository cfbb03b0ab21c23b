"""The images in messages: which URLs are accepted, and what is said about the others."""

import base64
import struct

import pytest

from shared.models.errors import BadRequest, TooLarge
from shared.models.image_headers import read_header
from shared.models.images import (
    MAX_IMAGE_BYTES,
    MAX_IMAGES,
    MAX_IMAGES_BYTES,
    check_image_url,
    check_sizes,
    read_data_url,
    recognize,
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
        ("https://example.com:99999/a.png", "https address"),
        ("https://example.com:port/a.png", "https address"),
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


def gif(size: tuple[int, int], *blocks: bytes, picture: tuple[int, int, int, int] = (0, 0, 1, 1)) -> bytes:
    """Returns the start of a GIF image with two colors. `picture`: its position and its size."""
    start = b"GIF89a" + struct.pack("<HHB", *size, 0x80) + bytes(2 + 2 * 3)
    return start + b"".join(blocks) + b"\x2c" + struct.pack("<HHHH", *picture)


def webp(chunk: bytes, data: bytes) -> bytes:
    return b"RIFF\0\0\0\0WEBP" + chunk + b"\0\0\0\0" + data


@pytest.mark.parametrize(
    ("data", "size"),
    [
        (PNG[:16] + struct.pack(">II", 640, 480), (640, 480)),
        (b"GIF87a" + struct.pack("<HHB", 640, 480, 0) + b"\0\0\x2c" + struct.pack("<HHHH", 0, 0, 1, 1), (640, 480)),
        (gif((640, 480), b"\x21\xf9\x04abcd\0", b"\x21\xfe\x01,\x02,,\0"), (640, 480)),
        (gif((1, 1), picture=(40, 80, 600, 400)), (640, 480)),
        (b"\xff\xd8\xff\xe0\x00\x04ab\xff\xff\xc2\x00\x0b\x08" + struct.pack(">HH", 480, 640), (640, 480)),
        (b"\xff\xd8\xff\x01\xff\xd0\xff\xc0\x00\x0b\x08" + struct.pack(">HH", 480, 640), (640, 480)),
        (webp(b"VP8 ", b"\0\0\0\x9d\x01\x2a" + struct.pack("<HH", 640 | 0x4000, 480 | 0x8000)), (640, 480)),
        (webp(b"VP8L", b"\x2f" + struct.pack("<I", 639 | 479 << 14 | 1 << 28)), (640, 480)),
        (webp(b"VP8X", b"\0\0\0\0" + (639).to_bytes(3, "little") + (479).to_bytes(3, "little")), (640, 480)),
    ],
)
def test_dimensions_are_read_from_the_header(data: bytes, size: tuple[int, int]) -> None:
    """The header of each form is read, and an incomplete one is not an image."""
    header = read_header(data)
    assert header is not None
    assert header[1:] == size
    assert all(read_header(data[:length]) is None for length in range(len(data)))


def test_a_file_that_only_begins_like_an_image_is_not_one() -> None:
    """Neither a JPEG without segments nor an unknown kind of WebP is accepted."""
    assert read_header(b"\xff\xd8\xff\xe0\x00\x02ab") is None
    assert read_header(b"\xff\xd8\xff\xe0\x00\x01\xff\xc0\x00\x0b\x08" + bytes(8)) is None
    assert read_header(webp(b"VP9 ", bytes(20))) is None
    assert read_header(webp(b"VP8 ", bytes(20))) is None
    assert read_header(webp(b"VP8L", bytes(20))) is None
    assert read_header(PNG[:12] + b"IDAT" + PNG[16:]) is None
    assert read_header(gif((1, 1), b";")) is None
    assert read_header(gif((1, 1), b"\0")) == ("image/gif", 1, 1)


def test_dimensions_are_not_searched_for_long() -> None:
    """An image with too many segments before its dimensions is refused. Padding between them has any length."""
    dimensions = b"\xff\xc0\x00\x0b\x08" + struct.pack(">HH", 480, 640)
    padded = b"\xff\xd8" + (b"\xff" * 1_000_000 + b"\xe0\x00\x02") * 3 + dimensions
    assert read_header(padded) == ("image/jpeg", 640, 480)
    for segment in (b"\xff\xe0\x00\x02", b"\xff\xd0"):
        assert read_header(b"\xff\xd8" + segment * 100 + dimensions) is not None
        assert read_header(b"\xff\xd8" + segment * 100_000 + dimensions) is None
    assert read_header(gif((1, 1), b"\x21\xfe" + b"\x01a" * 100 + b"\0")) is not None
    assert read_header(gif((1, 1), b"\x21\xfe" + b"\x01a" * 100_000 + b"\0")) is None


@pytest.mark.parametrize(("width", "height"), [(8001, 1), (1, 8001), (0, 1), (1, 0)])
def test_the_dimensions_are_limited(width: int, height: int) -> None:
    """The tokens that an image counts are bounded because its dimensions are."""
    with pytest.raises(BadRequest, match=f"{width} × {height} pixels"):
        recognize(PNG[:16] + struct.pack(">II", width, height))
    assert recognize(PNG[:16] + struct.pack(">II", 8000, 8000)).media_type == "image/png"

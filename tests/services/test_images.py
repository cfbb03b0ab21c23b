"""Images are fetched from their addresses through the guarded way out, within limits."""

from collections.abc import Iterator

import pytest

from shared.llm.failures import ModelFailure
from shared.models.chat import ChatRequest, ImagePart, ImageUrl, TextPart
from shared.models.images import MAX_IMAGE_BYTES, MAX_IMAGES_BYTES
from shared.services.images import fetch_images, list_addresses
from shared.settings import Settings
from tests.doubles.image_server import ImageServer
from tests.images import PNG, data_url

TEXT = TextPart(type="text", text="What is this?")


@pytest.fixture(scope="module")
def image_server() -> Iterator[ImageServer]:
    server = ImageServer()
    server.start()
    yield server
    server.stop()


@pytest.fixture
def allowed(image_server: ImageServer) -> Settings:
    image_server.paths.clear()
    return Settings(outbound_allowed_hosts=(image_server.host,), outbound_timeout_seconds=10)


def request_of(*urls: str) -> ChatRequest:
    """Returns a request with these images. Their addresses are not checked, as the test's server has no certificate."""
    parts = [ImagePart(type="image_url", image_url=ImageUrl.model_construct(url=url, detail="low")) for url in urls]
    request = ChatRequest.model_validate(
        {"messages": [{"role": "user", "content": "x"}], "provider": "openai", "model": "gpt-4.1"}
    )
    message = request.messages[0].model_copy(update={"content": [TEXT, *parts]})
    return request.model_copy(update={"messages": [*request.messages, message]})


async def test_each_address_is_replaced_with_its_image(image_server: ImageServer, allowed: Settings) -> None:
    """Each address is fetched once. The rest of the request stays as it is, and the type is that of the bytes."""
    first, second = (f"{image_server.address}/image/{size}" for size in (0, 1_000))
    request = request_of(first, data_url(PNG), second, first)
    fetched = await fetch_images(request, allowed)
    small, large = data_url(PNG), data_url(PNG.ljust(1_000, b"\0"))
    assert fetched == request_of(small, small, large, small)
    assert sorted(image_server.paths) == ["/image/0", "/image/1000"]
    assert list_addresses(fetched) == []


async def test_a_request_without_addresses_is_not_changed() -> None:
    """Nothing is fetched, and nothing is copied."""
    request = request_of(data_url(PNG))
    assert await fetch_images(request, Settings()) is request


async def test_a_redirect_is_followed(image_server: ImageServer, allowed: Settings) -> None:
    """Many addresses of images redirect to another server."""
    to = f"{image_server.address}/image/0"
    fetched = await fetch_images(request_of(f"{image_server.address}/redirect?to={to}"), allowed)
    assert fetched == request_of(data_url(PNG))


@pytest.mark.parametrize("target", ["http://127.0.0.1:1/a", "http://169.254.169.254/latest", "http://[::1]/a"])
async def test_an_address_in_the_network_is_refused(image_server: ImageServer, allowed: Settings, target: str) -> None:
    """Neither an address nor a redirect leads into the network of the service."""
    for url in (target, f"{image_server.address}/redirect?to={target}"):
        with pytest.raises(ModelFailure, match="could not be fetched") as raised:
            await fetch_images(request_of(url), allowed)
        assert not raised.value.transient


@pytest.mark.parametrize(
    ("path", "said", "transient"),
    [
        ("/page", "is not an image", False),
        ("/status/404", "responded with 404", False),
        ("/status/503", "responded with 503", True),
        ("/status/204", "responded with 204", False),
        (f"/image/{MAX_IMAGE_BYTES + 1}", str(MAX_IMAGE_BYTES), False),
    ],
)
async def test_what_is_not_an_image_is_refused(
    image_server: ImageServer, allowed: Settings, path: str, said: str, transient: bool
) -> None:
    """The error says what is wrong. It is temporary if another attempt may help."""
    with pytest.raises(ModelFailure, match=said) as raised:
        await fetch_images(request_of(f"{image_server.address}{path}?token=secret"), allowed)
    assert raised.value.transient is transient
    assert "secret" not in raised.value.message


async def test_images_are_limited_together(image_server: ImageServer, allowed: Settings) -> None:
    """Those that are fetched count together with those that were sent. The rest is not fetched any more."""
    size = MAX_IMAGES_BYTES // 4 + 1
    sent = data_url(PNG.ljust(size, b"\0"))
    urls = [f"{image_server.address}/image/{size}?{number}" for number in range(12)]
    with pytest.raises(ModelFailure, match=f"the limit is {MAX_IMAGES_BYTES}"):
        await fetch_images(request_of(sent, *urls), allowed)
    assert len(image_server.paths) <= 8
    assert len(list_addresses(await fetch_images(request_of(sent, *urls[:2]), allowed))) == 0


async def test_an_address_counts_as_often_as_it_is_named(image_server: ImageServer, allowed: Settings) -> None:
    """An image that is fetched once is still sent several times."""
    url = f"{image_server.address}/image/{MAX_IMAGES_BYTES // 4 + 1}"
    with pytest.raises(ModelFailure, match=f"the limit is {MAX_IMAGES_BYTES}"):
        await fetch_images(request_of(*[url] * 4), allowed)
    await fetch_images(request_of(*[url] * 3), allowed)
    assert len(image_server.paths) == 2


async def test_a_server_that_cannot_be_reached_may_be_tried_again(allowed: Settings) -> None:
    """A connection that fails is a temporary failure."""
    settings = allowed.model_copy(update={"outbound_allowed_hosts": ("127.0.0.1:1",)})
    with pytest.raises(ModelFailure, match="could not be fetched") as raised:
        await fetch_images(request_of("http://127.0.0.1:1/a"), settings)
    assert raised.value.transient

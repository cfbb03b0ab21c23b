"""Messages as agent code writes them are read."""

from typing import Any

import pytest

from shared.models.chat import images_of
from shared.models.images import MAX_IMAGES
from shared.sandbox import CallFailed
from shared.services.agents.model_choice import read_messages
from tests.images import PNG, data_url, image_part


def contents(content: Any) -> Any:
    (message,) = read_messages([{"role": "user", "content": content}])
    return message.content


def test_text_is_joined() -> None:
    """A string, a list of parts, and parts without a type are text."""
    assert contents("hi") == "hi"
    assert contents([{"type": "text", "text": "What "}, {"text": "is this?"}]) == "What is this?"
    assert [message.content for message in read_messages("hi")] == ["hi"]


def test_images_are_read() -> None:
    """Images are accepted in OpenAI's form, and with their URL alone."""
    url = data_url(PNG)
    for part in (image_part(url), {"type": "image_url", "image_url": url}, {"image_url": {"url": url}}):
        assert [image.url for image in images_of([contents([{"text": "What is this?"}, part])])] == [url]
    assert images_of([contents([image_part("https://example.com/a.png")])])[0].url == "https://example.com/a.png"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ([{"type": "input_audio", "input_audio": {}}], "Sound and files are not supported"),
        (["hi"], "must be text, or parts"),
        ([{"type": "image_url", "image_url": {"url": "http://example.com/a.png"}}], "https address"),
        ([{"type": "image_url", "image_url": "data:image/png;base64,AAAA"}], "not an image"),
    ],
)
def test_other_parts_are_refused(content: Any, said: str) -> None:
    """The error is a `ValueError` in the agent's code, and says what is accepted."""
    with pytest.raises(CallFailed, match=said) as raised:
        contents(content)
    assert raised.value.kind is ValueError


def test_the_number_of_images_is_checked_with_the_request() -> None:
    """The limit applies to all messages of a call together, so the request checks it."""
    assert len(images_of([contents([image_part("https://example.com/a.png")] * (MAX_IMAGES + 1))])) == MAX_IMAGES + 1

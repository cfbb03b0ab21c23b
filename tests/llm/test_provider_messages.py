"""Providers' error messages are cleaned for users and shortened to one line."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.llm.catalog.data import load_curated
from shared.llm.provider_messages import MAX_MESSAGE_LENGTH, clean_message
from tests.doubles.model_server import Wire
from tests.doubles.provider_responses import chat
from tests.llm.conftest import Providers


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("Bad value.", "Bad value."),
        ("litellm.BadRequestError: OpenAIException - Bad value.", "Bad value."),
        ("AnthropicException - Bad value.", "Bad value."),
        ('{"error": {"message": "Inner words."}}', "Inner words."),
        ('400 [{"error": {"message": "Inner words."}}]', "Inner words."),
        ("Bad value. To drop it, set `litellm.drop_params=True`. Sorry.", "Bad value. Sorry."),
        ("Received a bad answer, please file an issue with litellm: https://github.com/BerriAI/litellm/issues", ""),
        ("Two\nlines\r\nand\ta tab", "Two lines and a tab"),
        ("A\x00bell\x07, \x1b[31mred\x1b[0m, \u202egnirts", "A bell , [31mred [0m, gnirts"),
        ("<!DOCTYPE html><html><body><h1>502 Bad Gateway</h1></body></html>", ""),
        ("<html>\n<head><title>502</title></head>", ""),
        ("Use a < b, a<b and <key>.", "Use a < b, a<b and <key>."),
        ("Not AIza0123456789abcdefghijk, nor Bearer abc123def456", "Not [hidden], nor [hidden]"),
        ("my-own-secret is wrong", "[key] is wrong"),
        ("half \ud83d an emoji", "half \ufffd an emoji"),
        ("", ""),
    ],
)
def test_messages_are_cleaned(message: str, expected: str) -> None:
    """Keys, pages, control characters, prefixes and advice about litellm are removed."""
    assert clean_message(message, ["my-own-secret"]) == expected


@settings(deadline=None)
@given(st.text(max_size=20_000))
def test_any_message_becomes_one_line(message: str) -> None:
    """A cleaned message is a short line that can be printed, stored and shown."""
    cleaned = clean_message(message, ["my-own-secret"])
    assert len(cleaned) <= MAX_MESSAGE_LENGTH
    assert cleaned.replace("\ufffd", "?").isprintable()
    cleaned.encode()


@pytest.mark.parametrize(
    ("provider", "body"),
    [
        ("openai", {"error": {"message": "Bad value.", "type": "invalid_request_error", "code": None}}),
        ("openrouter", {"error": {"message": "Bad value.", "code": 400}, "user_id": "u"}),
        ("anthropic", {"type": "error", "error": {"type": "invalid_request_error", "message": "Bad value."}}),
        ("gemini", {"error": {"code": 400, "message": "Bad value.", "status": "INVALID_ARGUMENT"}}),
        ("gemini", [{"error": {"code": 400, "message": "Bad value.", "status": "INVALID_ARGUMENT"}}]),
        ("bedrock", {"message": "Bad value."}),
        ("bedrock", {"__type": "ValidationException", "Message": "Bad value."}),
        ("perplexity", {"detail": "Bad value."}),
        ("local", {"error": "Bad value."}),
        ("local", b"Bad value."),
        ("local", b'\xef\xbb\xbf{"error": "Bad value."}'),
    ],
)
async def test_errors_are_read_in_every_form(providers: Providers, provider: str, body: object) -> None:
    """An error body may be JSON in any provider's form, or plain text."""
    failed = await providers.failure(provider, Wire(body, status=400))
    assert (failed.message, failed.transient) == (
        f"{load_curated(provider).name} did not accept the request: Bad value.",
        False,
    )


@pytest.mark.parametrize(
    ("provider", "status"),
    [
        *[("openai", status) for status in (400, 401, 403, 404, 413, 429, 500, 502, 503, 529)],
        *[(provider, 404) for provider in ("anthropic", "bedrock", "gemini", "openrouter", "perplexity", "local")],
        *[(provider, 502) for provider in ("anthropic", "bedrock", "gemini", "openrouter", "perplexity", "local")],
    ],
)
async def test_a_page_is_not_shown(providers: Providers, provider: str, status: int) -> None:
    """A proxy's error page is classified by its status, and its content is not shown."""
    step = Wire(b"<html><body>" + b"words " * 50_000 + b"</body></html>", status=status, content_type="text/html")
    failed = await providers.failure(provider, step)
    assert "words" not in failed.message
    assert "<" not in failed.message
    assert failed.transient is (status == 429 or status >= 500)
    assert len(failed.message) < 200


@pytest.mark.parametrize("provider", ["anthropic", "bedrock", "gemini", "openai"])
async def test_keys_are_hidden(providers: Providers, provider: str) -> None:
    """The keys of the call are hidden in any format."""
    route = providers.catalog.route(
        provider, "claude-haiku-4-5" if provider == "anthropic" else _first(providers, provider)
    )
    secrets = [route.api_key, *route.arguments.values()]
    shown = " and ".join(secret for secret in secrets if secret)
    failed = await providers.failure(provider, Wire({"error": {"message": f"Not {shown}."}}, status=400))
    assert "Not [" in failed.message
    for secret in (
        route.api_key,
        route.arguments.get("aws_secret_access_key"),
        route.arguments.get("aws_access_key_id"),
    ):
        assert secret is None or secret not in failed.message


def _first(providers: Providers, provider: str) -> str:
    return next(iter(providers.catalog.get_provider(provider).models))


@pytest.mark.parametrize(
    "value", ["24", "999999999", "99999999999999999999", "Wed, 21 Oct 2026 07:28:00 GMT", "-1", "²"]
)
async def test_retry_after_is_a_limited_number(providers: Providers, value: str) -> None:
    """`Retry-After` is a number of seconds, at most a day."""
    step = Wire(chat(), status=429, headers={"Retry-After": value} if value.isascii() else {})
    expected = {"24": 24, "999999999": 86_400}.get(value)
    assert (await providers.failure("openai", step)).retry_after == expected


@pytest.mark.parametrize(
    ("kind", "message", "transient"),
    [
        ("ThrottlingException", "Amazon Bedrock is receiving too many requests.", True),
        (
            "com.amazon.coral.service#ValidationException",
            "Amazon Bedrock did not accept the request: Bad value.",
            False,
        ),
        ("SomethingNewException", "Amazon Bedrock could not answer.", True),
    ],
)
async def test_an_error_without_a_wrapper_is_read_with_any_status(
    providers: Providers, kind: str, message: str, transient: bool
) -> None:
    """Errors of Bedrock, which consist only of a name and a message, are read with any status."""
    failed = await providers.failure("bedrock", Wire({"__type": kind, "message": "Bad value."}))
    assert (failed.message, failed.transient, failed.cost) == (message, transient, 0)


def test_half_of_a_surrogate_pair_inside_json_is_replaced() -> None:
    """A message in JSON inside of an error can be stored, whatever its escapes decode to."""
    message = clean_message('Upstream: {"error": {"message": "bad \\ud800 text"}}', [])
    assert message.startswith("bad ")
    message.encode()

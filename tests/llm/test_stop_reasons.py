"""All reasons why an answer can end, in each provider's form."""

from typing import Any

import pytest

from tests.doubles.model_server import Wire
from tests.doubles.provider_responses import (
    DONE,
    anthropic,
    chat,
    converse,
    delta,
    event,
    gemini,
    output_text,
    responses,
)
from tests.llm.conftest import Providers

SEARCH: dict[str, Any] = {"builtInTools": ["web_search"]}
"""Makes a call to OpenAI use the Responses interface."""


@pytest.mark.parametrize(
    ("provider", "body", "content", "reason"),
    [
        ("openai", chat("It was a dark and", "length"), "It was a dark and", "length"),
        ("openai", chat(None, message={"refusal": "I cannot."}), "I cannot.", "refusal"),
        ("openai", chat([{"type": "refusal", "refusal": "I cannot."}]), "I cannot.", "refusal"),
        ("openai", chat("Some", "content_filter"), "Some", "content_filter"),
        ("openrouter", chat("Some", choice={"native_finish_reason": "refusal"}), "Some", "refusal"),
        ("openrouter", chat("Some", choice={"native_finish_reason": "SAFETY"}), "Some", "content_filter"),
        ("openrouter", chat("Some", choice={"native_finish_reason": "pause_turn"}), "Some", "pause_turn"),
        ("openrouter", chat("Some", "stop", choice={"native_finish_reason": "end_turn"}), "Some", None),
        ("openrouter", chat("Some", "something_new"), "Some", "something_new"),
        ("anthropic", anthropic({"type": "text", "text": "Some"}), "Some", None),
        ("anthropic", anthropic({"type": "text", "text": "Some"}, stop_reason="stop_sequence"), "Some", None),
        ("anthropic", anthropic({"type": "text", "text": "Some"}, stop_reason="max_tokens"), "Some", "length"),
        ("anthropic", anthropic({"type": "text", "text": "Some"}, stop_reason="refusal"), "Some", "refusal"),
        ("anthropic", anthropic({"type": "text", "text": "Some"}, stop_reason="pause_turn"), "Some", "pause_turn"),
        ("anthropic", anthropic(stop_reason="pause_turn"), "", "pause_turn"),
        (
            "anthropic",
            anthropic({"type": "text", "text": "Some"}, stop_reason="model_context_window_exceeded"),
            "Some",
            "model_context_window_exceeded",
        ),
        ("gemini", gemini({"text": "Some"}), "Some", None),
        ("gemini", gemini({"text": "Some"}, finish_reason="MAX_TOKENS"), "Some", "length"),
        ("gemini", gemini({"text": "Some"}, finish_reason="SAFETY"), "Some", "content_filter"),
        ("gemini", gemini({"text": "Some"}, finish_reason="RECITATION"), "Some", "content_filter"),
        ("gemini", gemini({"text": "Some"}, finish_reason="PROHIBITED_CONTENT"), "Some", "content_filter"),
        (
            "gemini",
            gemini({"text": "Some"}, finish_reason="MALFORMED_FUNCTION_CALL"),
            "Some",
            "malformed_function_call",
        ),
        ("gemini", gemini({"text": "Some"}, {"text": None}), "Some", None),
        ("bedrock", converse({"text": "Some"}), "Some", None),
        ("bedrock", converse({"text": "Some"}, stop_reason="max_tokens"), "Some", "length"),
        ("bedrock", converse({"text": "Blocked."}, stop_reason="guardrail_intervened"), "Blocked.", "content_filter"),
        ("bedrock", converse({"text": "Some"}, stop_reason="content_filtered"), "Some", "content_filter"),
    ],
)
async def test_the_reason_for_an_answers_end_is_reported(
    providers: Providers, provider: str, body: Any, content: str, reason: str | None
) -> None:
    """An unusual reason is reported as `finish_reason` in the thoughts. The text of a refusal becomes the content."""
    result = await providers.ask(provider, Wire(body))
    assert (result.content, result.thoughts) == (content, reason and {"finish_reason": reason})
    assert result.usage.model_dump() == {"prompt_tokens": 1000, "completion_tokens": 500, "total_tokens": 1500}
    assert not result.usage.estimated
    assert result.cost == pytest.approx(providers.cost(provider, 1000, 500))


@pytest.mark.parametrize(
    ("body", "content", "reason"),
    [
        (responses(output_text("Some")), "Some", None),
        (
            responses({"type": "message", "content": [{"type": "refusal", "refusal": "I cannot."}]}),
            "I cannot.",
            "refusal",
        ),
        (
            responses(output_text("So"), status="incomplete", incomplete_details={"reason": "max_output_tokens"}),
            "So",
            "length",
        ),
        (
            responses(output_text("So"), status="incomplete", incomplete_details={"reason": "content_filter"}),
            "So",
            "content_filter",
        ),
    ],
)
async def test_the_reason_for_a_responses_end_is_reported(
    providers: Providers, body: Any, content: str, reason: str | None
) -> None:
    """The reasons of the Responses interface, which have different names, are reported."""
    result = await providers.ask("openai", Wire(body), **SEARCH)
    assert (result.content, result.thoughts) == (content, reason and {"finish_reason": reason})


@pytest.mark.parametrize(
    ("provider", "body", "transient", "message"),
    [
        ("openrouter", chat("par", "error"), True, "OpenRouter broke off the answer."),
        ("openrouter", chat("par", choice={"native_finish_reason": "error"}), True, "broke off the answer"),
        ("openrouter", chat("par", choice={"error": {"code": 502, "message": "Gone."}}), True, "could not answer"),
        (
            "openrouter",
            chat("", "stop", choice={"error": {"code": 403, "message": "No."}}),
            False,
            "allow this request: No.",
        ),
        ("openai", chat("", choices=[]), True, "broke off the answer"),
        ("openai", chat("par", "network_error"), True, "broke off the answer"),
        ("openai", chat(None, "content_filter"), False, "refused the content"),
        ("anthropic", anthropic(stop_reason="refusal"), False, "refused the content"),
        ("gemini", gemini(finish_reason="SAFETY"), False, "refused the content"),
        ("gemini", gemini(finish_reason="SPII"), False, "refused the content"),
        (
            "gemini",
            {"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}, "usageMetadata": {"promptTokenCount": 5}},
            False,
            "refused the content",
        ),
        ("gemini", gemini(finish_reason="MALFORMED_FUNCTION_CALL"), True, "an answer (MALFORMED_FUNCTION_CALL)"),
        ("gemini", gemini(finish_reason="OTHER"), True, "without an answer (OTHER)"),
        ("bedrock", converse(stop_reason="content_filtered"), False, "refused the content"),
        ("bedrock", converse(stop_reason="model_context_window_exceeded"), False, "without an answer"),
        ("anthropic", anthropic(stop_reason="model_context_window_exceeded"), False, "without an answer"),
        ("bedrock", converse(stop_reason="malformed_model_output"), True, "without an answer"),
    ],
)
async def test_an_unusable_answer_is_a_failure(
    providers: Providers, provider: str, body: Any, transient: bool, message: str
) -> None:
    """An incomplete answer is a temporary failure, and a refused one a permanent failure. Both cost their tokens."""
    failed = await providers.failure(provider, Wire(body))
    assert (failed.transient, message in failed.message) == (transient, True), failed.message
    assert failed.cost > 0
    assert failed.usage is not None


@pytest.mark.parametrize(
    ("status", "code", "message", "transient", "expected"),
    [
        ("failed", "invalid_prompt", "Not this prompt.", False, "OpenAI did not accept the request: Not this prompt."),
        ("failed", "server_error", "Oh.", True, "OpenAI could not answer."),
        ("failed", "rate_limit_exceeded", "Slow.", True, "OpenAI is receiving too many requests."),
        ("failed", None, "", True, "OpenAI broke off the answer."),
        ("cancelled", None, "", True, "OpenAI broke off the answer."),
    ],
)
async def test_a_response_that_failed_is_a_failure(
    providers: Providers, status: str, code: str | None, message: str, transient: bool, expected: str
) -> None:
    """The code determines the failure. Without output and token counts, the failure costs nothing."""
    error = {"code": code, "message": message} if code else None
    body = responses(status=status, error=error, usage=None)
    failed = await providers.failure("openai", Wire(body), **SEARCH)
    assert (failed.message, failed.transient) == (expected, transient)
    assert (failed.cost > 0) is (code is None)


@pytest.mark.parametrize(
    ("body", "transient"),
    [
        (b"<!doctype html><html><body>Busy</body></html>", True),
        (b"", True),
        (b'{"candidates": [{"content": {"pa', True),
        (b"[" * 100_000, True),
        (b'{"x": ' + b"9" * 10_000 + b"}", True),
        ({"error": {"code": 503, "message": "Overloaded.", "status": "UNAVAILABLE"}}, True),
        ({"error": {"code": 400, "message": "Bad.", "status": "INVALID_ARGUMENT"}}, False),
        ({"something": "else"}, True),
    ],
)
async def test_an_invalid_body_is_a_failure_despite_its_status(
    providers: Providers, body: Any, transient: bool
) -> None:
    """A page, an incomplete document, or an error instead of an answer is a failure, which may be temporary."""
    assert (await providers.failure("gemini", Wire(body))).transient is transient


async def test_missing_counts_are_estimated(providers: Providers) -> None:
    """An answer without `usageMetadata` is valid, and its tokens are estimated."""
    body = gemini({"text": "Some text."})
    del body["usageMetadata"]
    result = await providers.ask("gemini", Wire(body))
    assert result.content == "Some text."
    assert result.usage.model_dump() == {
        "prompt_tokens": -(-providers.call.size // 4),
        "completion_tokens": 3,
        "total_tokens": -(-providers.call.size // 4) + 3,
    }
    assert result.usage.estimated


@pytest.mark.parametrize(
    ("events", "content", "reason"),
    [
        ([delta(refusal="I can"), delta(refusal="not."), delta("stop"), DONE], "I cannot.", "refusal"),
        ([delta(content="Some"), delta("length"), DONE], "Some", "length"),
        ([delta(content="Some"), delta("content_filter"), DONE], "Some", "content_filter"),
        ([delta(content=[{"type": "text", "text": "So"}]), delta(content="me"), delta("stop")], "Some", None),
        (
            [b": waiting\n\n", b"event: x\r\n", delta(content="Some"), delta("stop"), b"data: nonsense\n\n"],
            "Some",
            None,
        ),
    ],
)
async def test_the_reason_for_a_streams_end_is_reported(
    providers: Providers, events: list[bytes], content: str, reason: str | None
) -> None:
    """A stream ends for the same reasons as an answer without streaming."""
    step = Wire(events, content_type="text/event-stream; charset=utf-8")
    result = await providers.ask("openai", step, stream=True)
    assert (result.content, result.thoughts) == (content, reason and {"finish_reason": reason})


@pytest.mark.parametrize(
    ("events", "transient", "message"),
    [
        ([delta(content="par"), delta("error"), DONE], True, "broke off the answer"),
        ([delta(content="par"), DONE], True, "broke off the answer"),
        ([delta(content="par"), event({"error": {"code": 502, "message": "Gone."}})], True, "could not answer"),
        ([event({"error": {"code": "invalid_prompt", "message": "Not this."}}), DONE], False, "request: Not this."),
        ([delta("content_filter"), DONE], False, "refused the content"),
        ([], True, "broke off the answer"),
    ],
)
async def test_an_unusable_stream_is_a_failure(
    providers: Providers, events: list[bytes], transient: bool, message: str
) -> None:
    """A stream fails if it is incomplete or refused, or contains an error."""
    step = Wire(events or b"", content_type="text/event-stream")
    failed = await providers.failure("openai", step, stream=True)
    assert (failed.transient, message in failed.message) == (transient, True), failed.message


@pytest.mark.parametrize(
    ("code", "transient"), [("invalid_api_key", False), ("model_not_found", False), ("context_length_exceeded", False)]
)
async def test_an_error_instead_of_an_answer_is_classified_by_its_code(
    providers: Providers, code: str, transient: bool
) -> None:
    """An error is classified by its code even if it has no type."""
    failed = await providers.failure("openrouter", Wire({"error": {"code": code, "message": "No."}}))
    assert failed.transient is transient


async def test_a_tool_call_in_the_older_form_is_read(providers: Providers) -> None:
    """A tool call in the older form, which allowed only one call, is read."""
    called = {"content": None, "function_call": {"name": "f", "arguments": '{"a": 1}'}}
    result = await providers.ask("openrouter", Wire(chat(None, "function_call", message=called)))
    (call,) = result.thoughts["tool_calls"]
    assert call["function"] == called["function_call"]


async def test_a_responses_text_may_be_a_string(providers: Providers) -> None:
    """The content of a Responses message may be a string instead of a list of parts."""
    result = await providers.ask("openai", Wire(responses({"type": "message", "content": "Some"})), **SEARCH)
    assert result.content == "Some"

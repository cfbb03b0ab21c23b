"""The reasons why answers end: the providers' names, and ours, which are OpenAI's names where they exist."""

_USUAL = {
    "stop", "end_turn", "stop_sequence", "tool_calls", "tool_use", "function_call", "completed", "complete", "eos",
    "eos_token", "end", "done", "finish_reason_unspecified", "unload", "load",
}  # fmt: skip
_LENGTH = {"length", "max_tokens", "max_output_tokens", "max_length", "model_length", "token_limit"}
_FILTERED = {
    "content_filter", "content_filtered", "guardrail_intervened", "safety", "recitation", "prohibited_content",
    "blocklist", "spii", "language", "image_safety", "image_prohibited_content", "image_recitation", "model_armor",
    "jailbreak", "sensitive", "blocked",
}  # fmt: skip
_BROKEN = {
    "error", "failed", "cancelled", "canceled", "abort", "aborted", "network_error", "timeout", "in_progress", "queued",
    "insufficient_system_resource",
}  # fmt: skip
_OWN = {
    "pause_turn", "model_context_window_exceeded", "malformed_function_call", "unexpected_tool_call",
    "too_many_tool_calls", "missing_thought_signature", "malformed_response", "malformed_model_output",
    "malformed_tool_use", "other", "compaction",
}  # fmt: skip
TOO_LONG = "model_context_window_exceeded"
"""The whole chat is too long, not only the answer, so another attempt would fail in the same way."""
EMPTY_IS_FINE = {"length", "pause_turn"}
"""The reasons with which an answer may have no text."""


def reason(stop: str | None, native: str | None) -> str | None:
    """None for a normal end; "length", "content_filter", "refusal" or "error"; otherwise the provider's own name.

    `native`: the reason of the model's own provider. It is used if a router reports a normal end instead.
    """
    ours = _translate(stop)
    if ours is None and native is not None and _is_known(native):
        return _translate(native)
    return ours


def _is_known(word: str) -> bool:
    return word.lower() in _LENGTH | _FILTERED | _BROKEN | _OWN | {"refusal"}


def _translate(word: str | None) -> str | None:
    match (word or "stop").lower():
        case word if word in _USUAL:
            return None
        case word if word in _LENGTH:
            return "length"
        case word if word in _FILTERED:
            return "content_filter"
        case word if word in _BROKEN:
            return "error"
        case word:
            return word

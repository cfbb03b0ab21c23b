"""Translates the reasons why answers end from the providers' names to ours, which are OpenAI's if it has one."""

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
_OTHER = {
    "pause_turn", "model_context_window_exceeded", "malformed_function_call", "unexpected_tool_call",
    "too_many_tool_calls", "missing_thought_signature", "malformed_response", "malformed_model_output",
    "malformed_tool_use", "other", "compaction",
}  # fmt: skip
TOO_LONG = "model_context_window_exceeded"
"""The reason if the whole chat, not only the answer, is too long: another attempt would fail in the same way."""
EMPTY_IS_FINE = {"length", "pause_turn"}
"""The reasons for which an answer without text is not a failure."""


def reason(stop: str | None, native: str | None) -> str | None:
    """Returns None for a normal end; "length", "content_filter", "refusal" or "error"; or else the provider's own name.

    `native`: the reason of the model's own provider, which counts if a router reports a normal end instead.
    """
    translated = _translate(stop)
    if translated is None and native is not None and _is_known(native):
        return _translate(native)
    return translated


def _is_known(name: str) -> bool:
    return name.lower() in _LENGTH | _FILTERED | _BROKEN | _OTHER | {"refusal"}


def _translate(name: str | None) -> str | None:
    match (name or "stop").lower():
        case name if name in _USUAL:
            return None
        case name if name in _LENGTH:
            return "length"
        case name if name in _FILTERED:
            return "content_filter"
        case name if name in _BROKEN:
            return "error"
        case name:
            return name

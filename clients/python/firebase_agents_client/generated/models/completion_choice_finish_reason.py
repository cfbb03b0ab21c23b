from typing import Literal

CompletionChoiceFinishReason = Literal["content_filter", "length", "stop", "tool_calls"]

COMPLETION_CHOICE_FINISH_REASON_VALUES: set[CompletionChoiceFinishReason] = {
    "content_filter",
    "length",
    "stop",
    "tool_calls",
}


def check_completion_choice_finish_reason(value: str) -> CompletionChoiceFinishReason:
    if value in COMPLETION_CHOICE_FINISH_REASON_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {COMPLETION_CHOICE_FINISH_REASON_VALUES!r}")

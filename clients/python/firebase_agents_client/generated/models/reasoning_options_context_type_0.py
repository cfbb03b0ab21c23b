from typing import Literal

ReasoningOptionsContextType0 = Literal["all_turns", "auto", "current_turn"]

REASONING_OPTIONS_CONTEXT_TYPE_0_VALUES: set[ReasoningOptionsContextType0] = {
    "all_turns",
    "auto",
    "current_turn",
}


def check_reasoning_options_context_type_0(value: str) -> ReasoningOptionsContextType0:
    if value in REASONING_OPTIONS_CONTEXT_TYPE_0_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {REASONING_OPTIONS_CONTEXT_TYPE_0_VALUES!r}")

from typing import Literal

ReasoningOptionsEffortType0 = Literal["high", "low", "max", "medium", "minimal", "none", "xhigh"]

REASONING_OPTIONS_EFFORT_TYPE_0_VALUES: set[ReasoningOptionsEffortType0] = {
    "high",
    "low",
    "max",
    "medium",
    "minimal",
    "none",
    "xhigh",
}


def check_reasoning_options_effort_type_0(value: str) -> ReasoningOptionsEffortType0:
    if value in REASONING_OPTIONS_EFFORT_TYPE_0_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {REASONING_OPTIONS_EFFORT_TYPE_0_VALUES!r}")

from typing import Literal

StepKind = Literal["agent", "ask", "clock", "data", "http", "model", "sleep", "tool"]

STEP_KIND_VALUES: set[StepKind] = {
    "agent",
    "ask",
    "clock",
    "data",
    "http",
    "model",
    "sleep",
    "tool",
}


def check_step_kind(value: str) -> StepKind:
    if value in STEP_KIND_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {STEP_KIND_VALUES!r}")

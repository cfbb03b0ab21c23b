from typing import Literal

StepStatus = Literal["completed", "failed", "interrupted", "running"]

STEP_STATUS_VALUES: set[StepStatus] = {
    "completed",
    "failed",
    "interrupted",
    "running",
}


def check_step_status(value: str) -> StepStatus:
    if value in STEP_STATUS_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {STEP_STATUS_VALUES!r}")

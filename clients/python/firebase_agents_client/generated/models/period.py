from typing import Literal

Period = Literal["day", "month"]

PERIOD_VALUES: set[Period] = {
    "day",
    "month",
}


def check_period(value: str) -> Period:
    if value in PERIOD_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {PERIOD_VALUES!r}")

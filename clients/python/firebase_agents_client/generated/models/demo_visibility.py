from typing import Literal

DemoVisibility = Literal["private", "shared"]

DEMO_VISIBILITY_VALUES: set[DemoVisibility] = {
    "private",
    "shared",
}


def check_demo_visibility(value: str) -> DemoVisibility:
    if value in DEMO_VISIBILITY_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {DEMO_VISIBILITY_VALUES!r}")

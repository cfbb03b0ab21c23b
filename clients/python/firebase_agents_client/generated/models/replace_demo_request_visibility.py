from typing import Literal

ReplaceDemoRequestVisibility = Literal["private", "shared"]

REPLACE_DEMO_REQUEST_VISIBILITY_VALUES: set[ReplaceDemoRequestVisibility] = {
    "private",
    "shared",
}


def check_replace_demo_request_visibility(value: str) -> ReplaceDemoRequestVisibility:
    if value in REPLACE_DEMO_REQUEST_VISIBILITY_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {REPLACE_DEMO_REQUEST_VISIBILITY_VALUES!r}")

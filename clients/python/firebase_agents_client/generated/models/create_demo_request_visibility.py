from typing import Literal

CreateDemoRequestVisibility = Literal["private", "shared"]

CREATE_DEMO_REQUEST_VISIBILITY_VALUES: set[CreateDemoRequestVisibility] = {
    "private",
    "shared",
}


def check_create_demo_request_visibility(value: str) -> CreateDemoRequestVisibility:
    if value in CREATE_DEMO_REQUEST_VISIBILITY_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {CREATE_DEMO_REQUEST_VISIBILITY_VALUES!r}")

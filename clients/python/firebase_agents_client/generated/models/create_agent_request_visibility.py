from typing import Literal

CreateAgentRequestVisibility = Literal["private", "shared"]

CREATE_AGENT_REQUEST_VISIBILITY_VALUES: set[CreateAgentRequestVisibility] = {
    "private",
    "shared",
}


def check_create_agent_request_visibility(value: str) -> CreateAgentRequestVisibility:
    if value in CREATE_AGENT_REQUEST_VISIBILITY_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {CREATE_AGENT_REQUEST_VISIBILITY_VALUES!r}")

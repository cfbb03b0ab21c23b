from typing import Literal

UpdateAgentRequestVisibility = Literal["private", "shared"]

UPDATE_AGENT_REQUEST_VISIBILITY_VALUES: set[UpdateAgentRequestVisibility] = {
    "private",
    "shared",
}


def check_update_agent_request_visibility(value: str) -> UpdateAgentRequestVisibility:
    if value in UPDATE_AGENT_REQUEST_VISIBILITY_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {UPDATE_AGENT_REQUEST_VISIBILITY_VALUES!r}")

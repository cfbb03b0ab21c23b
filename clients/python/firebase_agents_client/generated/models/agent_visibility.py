from typing import Literal

AgentVisibility = Literal["private", "shared"]

AGENT_VISIBILITY_VALUES: set[AgentVisibility] = {
    "private",
    "shared",
}


def check_agent_visibility(value: str) -> AgentVisibility:
    if value in AGENT_VISIBILITY_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {AGENT_VISIBILITY_VALUES!r}")

from typing import Literal

AgentEngineType0 = Literal["fast", "full"]

AGENT_ENGINE_TYPE_0_VALUES: set[AgentEngineType0] = {
    "fast",
    "full",
}


def check_agent_engine_type_0(value: str) -> AgentEngineType0:
    if value in AGENT_ENGINE_TYPE_0_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {AGENT_ENGINE_TYPE_0_VALUES!r}")

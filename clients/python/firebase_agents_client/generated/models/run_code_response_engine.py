from typing import Literal

RunCodeResponseEngine = Literal["fast", "full"]

RUN_CODE_RESPONSE_ENGINE_VALUES: set[RunCodeResponseEngine] = {
    "fast",
    "full",
}


def check_run_code_response_engine(value: str) -> RunCodeResponseEngine:
    if value in RUN_CODE_RESPONSE_ENGINE_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {RUN_CODE_RESPONSE_ENGINE_VALUES!r}")

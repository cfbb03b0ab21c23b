from typing import Literal

ParameterSpecType = Literal["array", "boolean", "choice", "float", "integer", "object", "string"]

PARAMETER_SPEC_TYPE_VALUES: set[ParameterSpecType] = {
    "array",
    "boolean",
    "choice",
    "float",
    "integer",
    "object",
    "string",
}


def check_parameter_spec_type(value: str) -> ParameterSpecType:
    if value in PARAMETER_SPEC_TYPE_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {PARAMETER_SPEC_TYPE_VALUES!r}")

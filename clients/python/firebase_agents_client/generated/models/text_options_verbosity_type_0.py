from typing import Literal

TextOptionsVerbosityType0 = Literal["high", "low", "medium"]

TEXT_OPTIONS_VERBOSITY_TYPE_0_VALUES: set[TextOptionsVerbosityType0] = {
    "high",
    "low",
    "medium",
}


def check_text_options_verbosity_type_0(value: str) -> TextOptionsVerbosityType0:
    if value in TEXT_OPTIONS_VERBOSITY_TYPE_0_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {TEXT_OPTIONS_VERBOSITY_TYPE_0_VALUES!r}")

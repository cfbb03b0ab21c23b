from typing import Literal

ReasoningOptionsSummaryType0 = Literal["auto", "concise", "detailed"]

REASONING_OPTIONS_SUMMARY_TYPE_0_VALUES: set[ReasoningOptionsSummaryType0] = {
    "auto",
    "concise",
    "detailed",
}


def check_reasoning_options_summary_type_0(value: str) -> ReasoningOptionsSummaryType0:
    if value in REASONING_OPTIONS_SUMMARY_TYPE_0_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {REASONING_OPTIONS_SUMMARY_TYPE_0_VALUES!r}")

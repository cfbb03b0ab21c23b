from typing import Literal

ReasoningOptionsGenerateSummaryType0 = Literal["auto", "concise", "detailed"]

REASONING_OPTIONS_GENERATE_SUMMARY_TYPE_0_VALUES: set[ReasoningOptionsGenerateSummaryType0] = {
    "auto",
    "concise",
    "detailed",
}


def check_reasoning_options_generate_summary_type_0(value: str) -> ReasoningOptionsGenerateSummaryType0:
    if value in REASONING_OPTIONS_GENERATE_SUMMARY_TYPE_0_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {REASONING_OPTIONS_GENERATE_SUMMARY_TYPE_0_VALUES!r}")

from typing import Literal

CreateScheduleRequestOverlap = Literal["allow", "skip"]

CREATE_SCHEDULE_REQUEST_OVERLAP_VALUES: set[CreateScheduleRequestOverlap] = {
    "allow",
    "skip",
}


def check_create_schedule_request_overlap(value: str) -> CreateScheduleRequestOverlap:
    if value in CREATE_SCHEDULE_REQUEST_OVERLAP_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {CREATE_SCHEDULE_REQUEST_OVERLAP_VALUES!r}")

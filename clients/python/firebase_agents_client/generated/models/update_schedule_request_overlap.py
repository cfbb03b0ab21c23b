from typing import Literal

UpdateScheduleRequestOverlap = Literal["allow", "skip"]

UPDATE_SCHEDULE_REQUEST_OVERLAP_VALUES: set[UpdateScheduleRequestOverlap] = {
    "allow",
    "skip",
}


def check_update_schedule_request_overlap(value: str) -> UpdateScheduleRequestOverlap:
    if value in UPDATE_SCHEDULE_REQUEST_OVERLAP_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {UPDATE_SCHEDULE_REQUEST_OVERLAP_VALUES!r}")

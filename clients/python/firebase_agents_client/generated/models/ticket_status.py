from typing import Literal

TicketStatus = Literal["cancelled", "completed", "failed", "pending", "processing", "waiting"]

TICKET_STATUS_VALUES: set[TicketStatus] = {
    "cancelled",
    "completed",
    "failed",
    "pending",
    "processing",
    "waiting",
}


def check_ticket_status(value: str) -> TicketStatus:
    if value in TICKET_STATUS_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {TICKET_STATUS_VALUES!r}")

from typing import Literal

ResponseRequestServiceTierType0 = Literal["auto", "default"]

RESPONSE_REQUEST_SERVICE_TIER_TYPE_0_VALUES: set[ResponseRequestServiceTierType0] = {
    "auto",
    "default",
}


def check_response_request_service_tier_type_0(value: str) -> ResponseRequestServiceTierType0:
    if value in RESPONSE_REQUEST_SERVICE_TIER_TYPE_0_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {RESPONSE_REQUEST_SERVICE_TIER_TYPE_0_VALUES!r}")

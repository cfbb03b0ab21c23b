from typing import Literal

DeployedApiAccess = Literal["key", "public", "signed-in"]

DEPLOYED_API_ACCESS_VALUES: set[DeployedApiAccess] = {
    "key",
    "public",
    "signed-in",
}


def check_deployed_api_access(value: str) -> DeployedApiAccess:
    if value in DEPLOYED_API_ACCESS_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {DEPLOYED_API_ACCESS_VALUES!r}")

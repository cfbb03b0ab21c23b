from typing import Literal

DeployedAccess = Literal["key", "public", "signed-in"]

DEPLOYED_ACCESS_VALUES: set[DeployedAccess] = {
    "key",
    "public",
    "signed-in",
}


def check_deployed_access(value: str) -> DeployedAccess:
    if value in DEPLOYED_ACCESS_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {DEPLOYED_ACCESS_VALUES!r}")

from typing import Literal

DeploymentInfoAccess = Literal["key", "public", "signed-in"]

DEPLOYMENT_INFO_ACCESS_VALUES: set[DeploymentInfoAccess] = {
    "key",
    "public",
    "signed-in",
}


def check_deployment_info_access(value: str) -> DeploymentInfoAccess:
    if value in DEPLOYMENT_INFO_ACCESS_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {DEPLOYMENT_INFO_ACCESS_VALUES!r}")

from typing import Literal

DeployRequestAccessType0 = Literal["key", "public", "signed-in"]

DEPLOY_REQUEST_ACCESS_TYPE_0_VALUES: set[DeployRequestAccessType0] = {
    "key",
    "public",
    "signed-in",
}


def check_deploy_request_access_type_0(value: str) -> DeployRequestAccessType0:
    if value in DEPLOY_REQUEST_ACCESS_TYPE_0_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {DEPLOY_REQUEST_ACCESS_TYPE_0_VALUES!r}")

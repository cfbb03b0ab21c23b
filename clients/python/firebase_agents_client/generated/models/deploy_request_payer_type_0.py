from typing import Literal

DeployRequestPayerType0 = Literal["caller", "owner"]

DEPLOY_REQUEST_PAYER_TYPE_0_VALUES: set[DeployRequestPayerType0] = {
    "caller",
    "owner",
}


def check_deploy_request_payer_type_0(value: str) -> DeployRequestPayerType0:
    if value in DEPLOY_REQUEST_PAYER_TYPE_0_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {DEPLOY_REQUEST_PAYER_TYPE_0_VALUES!r}")

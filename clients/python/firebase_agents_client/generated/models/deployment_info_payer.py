from typing import Literal

DeploymentInfoPayer = Literal["caller", "owner"]

DEPLOYMENT_INFO_PAYER_VALUES: set[DeploymentInfoPayer] = {
    "caller",
    "owner",
}


def check_deployment_info_payer(value: str) -> DeploymentInfoPayer:
    if value in DEPLOYMENT_INFO_PAYER_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {DEPLOYMENT_INFO_PAYER_VALUES!r}")

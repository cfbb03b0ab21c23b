from typing import Literal

DeployedPayer = Literal["caller", "owner"]

DEPLOYED_PAYER_VALUES: set[DeployedPayer] = {
    "caller",
    "owner",
}


def check_deployed_payer(value: str) -> DeployedPayer:
    if value in DEPLOYED_PAYER_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {DEPLOYED_PAYER_VALUES!r}")

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.deployed_access import DeployedAccess, check_deployed_access
from ..models.deployed_payer import DeployedPayer, check_deployed_payer

T = TypeVar("T", bound="Deployed")


@_attrs_define
class Deployed:
    """The response of `POST /agents/{id}/deploy`, with the policy that now applies. `budgetPerDay`: US dollars.

    `ratePerMinute`: null means the service's default. `warnings`: what the owner should know about the policy.

        Attributes:
            message (str):
            endpoint (str):
            access (DeployedAccess):
            payer (DeployedPayer):
            rate_per_minute (int | None):
            budget_per_day (float):
            warnings (list[str]):
    """

    message: str
    endpoint: str
    access: DeployedAccess
    payer: DeployedPayer
    rate_per_minute: int | None
    budget_per_day: float
    warnings: list[str]
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        message = self.message

        endpoint = self.endpoint

        access: str = self.access

        payer: str = self.payer

        rate_per_minute: int | None
        rate_per_minute = self.rate_per_minute

        budget_per_day = self.budget_per_day

        warnings = self.warnings

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "message": message,
                "endpoint": endpoint,
                "access": access,
                "payer": payer,
                "ratePerMinute": rate_per_minute,
                "budgetPerDay": budget_per_day,
                "warnings": warnings,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        message = d.pop("message")

        endpoint = d.pop("endpoint")

        access = check_deployed_access(d.pop("access"))

        payer = check_deployed_payer(d.pop("payer"))

        def _parse_rate_per_minute(data: object) -> int | None:
            if data is None:
                return data
            return cast(int | None, data)

        rate_per_minute = _parse_rate_per_minute(d.pop("ratePerMinute"))

        budget_per_day = d.pop("budgetPerDay")

        warnings = cast(list[str], d.pop("warnings"))

        deployed = cls(
            message=message,
            endpoint=endpoint,
            access=access,
            payer=payer,
            rate_per_minute=rate_per_minute,
            budget_per_day=budget_per_day,
            warnings=warnings,
        )

        deployed.additional_properties = d
        return deployed

    @property
    def additional_keys(self) -> list[str]:
        return list(self.additional_properties.keys())

    def __getitem__(self, key: str) -> Any:
        return self.additional_properties[key]

    def __setitem__(self, key: str, value: Any) -> None:
        self.additional_properties[key] = value

    def __delitem__(self, key: str) -> None:
        del self.additional_properties[key]

    def __contains__(self, key: str) -> bool:
        return key in self.additional_properties

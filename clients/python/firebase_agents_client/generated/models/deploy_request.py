from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.deploy_request_access_type_0 import (
    DeployRequestAccessType0,
    check_deploy_request_access_type_0,
)
from ..models.deploy_request_payer_type_0 import (
    DeployRequestPayerType0,
    check_deploy_request_payer_type_0,
)
from ..types import UNSET, Unset

T = TypeVar("T", bound="DeployRequest")


@_attrs_define
class DeployRequest:
    """The optional request body of `POST /agents/{id}/deploy`. What is null or missing does not change.

    `access`: who may call the agent by its name. `public` means everyone; `signed-in` means every user, with an ID
    token or an API key; `key` means users who can see the agent, with an API key, and its owner. `payer`: who pays for
    calls of `POST /rest/{friendly_name}`; `caller` requires an `access` other than `public`. `ratePerMinute`: how often
    each user, or each address without a user, may call the agent. `budgetPerDay`: US dollars that all calls for which
    the owner pays may together spend per UTC day. A new deployment is public and paid by the owner, with the service's
    default limits.

        Attributes:
            access (DeployRequestAccessType0 | None | Unset):
            payer (DeployRequestPayerType0 | None | Unset):
            rate_per_minute (int | None | Unset):
            budget_per_day (float | None | Unset):
    """

    access: DeployRequestAccessType0 | None | Unset = UNSET
    payer: DeployRequestPayerType0 | None | Unset = UNSET
    rate_per_minute: int | None | Unset = UNSET
    budget_per_day: float | None | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        access: None | str | Unset
        if isinstance(self.access, Unset):
            access = UNSET
        elif isinstance(self.access, str):
            access = self.access
        else:
            access = self.access

        payer: None | str | Unset
        if isinstance(self.payer, Unset):
            payer = UNSET
        elif isinstance(self.payer, str):
            payer = self.payer
        else:
            payer = self.payer

        rate_per_minute: int | None | Unset
        if isinstance(self.rate_per_minute, Unset):
            rate_per_minute = UNSET
        else:
            rate_per_minute = self.rate_per_minute

        budget_per_day: float | None | Unset
        if isinstance(self.budget_per_day, Unset):
            budget_per_day = UNSET
        else:
            budget_per_day = self.budget_per_day

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update({})
        if access is not UNSET:
            field_dict["access"] = access
        if payer is not UNSET:
            field_dict["payer"] = payer
        if rate_per_minute is not UNSET:
            field_dict["ratePerMinute"] = rate_per_minute
        if budget_per_day is not UNSET:
            field_dict["budgetPerDay"] = budget_per_day

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)

        def _parse_access(data: object) -> DeployRequestAccessType0 | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                access_type_0 = check_deploy_request_access_type_0(data)

                return access_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(DeployRequestAccessType0 | None | Unset, data)

        access = _parse_access(d.pop("access", UNSET))

        def _parse_payer(data: object) -> DeployRequestPayerType0 | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                payer_type_0 = check_deploy_request_payer_type_0(data)

                return payer_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(DeployRequestPayerType0 | None | Unset, data)

        payer = _parse_payer(d.pop("payer", UNSET))

        def _parse_rate_per_minute(data: object) -> int | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(int | None | Unset, data)

        rate_per_minute = _parse_rate_per_minute(d.pop("ratePerMinute", UNSET))

        def _parse_budget_per_day(data: object) -> float | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(float | None | Unset, data)

        budget_per_day = _parse_budget_per_day(d.pop("budgetPerDay", UNSET))

        deploy_request = cls(
            access=access,
            payer=payer,
            rate_per_minute=rate_per_minute,
            budget_per_day=budget_per_day,
        )

        deploy_request.additional_properties = d
        return deploy_request

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

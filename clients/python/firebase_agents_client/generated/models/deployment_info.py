from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.deployment_info_access import (
    DeploymentInfoAccess,
    check_deployment_info_access,
)
from ..models.deployment_info_payer import (
    DeploymentInfoPayer,
    check_deployment_info_payer,
)

T = TypeVar("T", bound="DeploymentInfo")


@_attrs_define
class DeploymentInfo:
    """The response of `GET /agents/{id}/deployment`. Some of its names are camelCase on the wire.

    `ratePerMinute`: null means the service's default. `budgetPerDay`: US dollars that calls of the published agent for
    which its owner pays may spend per UTC day.

        Attributes:
            is_deployed (bool):  Default: True.
            friendly_name (str):
            agent_id (str):
            endpoint (str):
            deployed_at (datetime.datetime):
            access (DeploymentInfoAccess):
            payer (DeploymentInfoPayer):
            rate_per_minute (int | None):
            budget_per_day (float):
    """

    friendly_name: str
    agent_id: str
    endpoint: str
    deployed_at: datetime.datetime
    access: DeploymentInfoAccess
    payer: DeploymentInfoPayer
    rate_per_minute: int | None
    budget_per_day: float
    is_deployed: bool = True
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        is_deployed = self.is_deployed

        friendly_name = self.friendly_name

        agent_id = self.agent_id

        endpoint = self.endpoint

        deployed_at = self.deployed_at.isoformat()

        access: str = self.access

        payer: str = self.payer

        rate_per_minute: int | None
        rate_per_minute = self.rate_per_minute

        budget_per_day = self.budget_per_day

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "is_deployed": is_deployed,
                "friendly_name": friendly_name,
                "agentId": agent_id,
                "endpoint": endpoint,
                "deployedAt": deployed_at,
                "access": access,
                "payer": payer,
                "ratePerMinute": rate_per_minute,
                "budgetPerDay": budget_per_day,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        is_deployed = d.pop("is_deployed")

        friendly_name = d.pop("friendly_name")

        agent_id = d.pop("agentId")

        endpoint = d.pop("endpoint")

        deployed_at = datetime.datetime.fromisoformat(d.pop("deployedAt"))

        access = check_deployment_info_access(d.pop("access"))

        payer = check_deployment_info_payer(d.pop("payer"))

        def _parse_rate_per_minute(data: object) -> int | None:
            if data is None:
                return data
            return cast(int | None, data)

        rate_per_minute = _parse_rate_per_minute(d.pop("ratePerMinute"))

        budget_per_day = d.pop("budgetPerDay")

        deployment_info = cls(
            is_deployed=is_deployed,
            friendly_name=friendly_name,
            agent_id=agent_id,
            endpoint=endpoint,
            deployed_at=deployed_at,
            access=access,
            payer=payer,
            rate_per_minute=rate_per_minute,
            budget_per_day=budget_per_day,
        )

        deployment_info.additional_properties = d
        return deployment_info

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

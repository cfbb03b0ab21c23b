from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

T = TypeVar("T", bound="DeployRequest")


@_attrs_define
class DeployRequest:
    """The optional request body of `POST /agents/{id}/deploy`.

    `budgetPerDay`: US dollars that all calls of the published agent together may spend per UTC day. If it is null or
    missing, the budget does not change; a new deployment starts with the service's default.

        Attributes:
            budget_per_day (float | None | Unset):
    """

    budget_per_day: float | None | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        budget_per_day: float | None | Unset
        if isinstance(self.budget_per_day, Unset):
            budget_per_day = UNSET
        else:
            budget_per_day = self.budget_per_day

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update({})
        if budget_per_day is not UNSET:
            field_dict["budgetPerDay"] = budget_per_day

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)

        def _parse_budget_per_day(data: object) -> float | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(float | None | Unset, data)

        budget_per_day = _parse_budget_per_day(d.pop("budgetPerDay", UNSET))

        deploy_request = cls(
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

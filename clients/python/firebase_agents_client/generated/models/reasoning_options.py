from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.reasoning_options_context_type_0 import (
    ReasoningOptionsContextType0,
    check_reasoning_options_context_type_0,
)
from ..models.reasoning_options_effort_type_0 import (
    ReasoningOptionsEffortType0,
    check_reasoning_options_effort_type_0,
)
from ..models.reasoning_options_generate_summary_type_0 import (
    ReasoningOptionsGenerateSummaryType0,
    check_reasoning_options_generate_summary_type_0,
)
from ..models.reasoning_options_summary_type_0 import (
    ReasoningOptionsSummaryType0,
    check_reasoning_options_summary_type_0,
)
from ..types import UNSET, Unset

T = TypeVar("T", bound="ReasoningOptions")


@_attrs_define
class ReasoningOptions:
    """`summary` is ignored: what the provider shows of the model's thoughts is always returned. `context` is, too: the
    thoughts of earlier responses are left out.

        Attributes:
            effort (None | ReasoningOptionsEffortType0 | Unset):
            summary (None | ReasoningOptionsSummaryType0 | Unset):
            generate_summary (None | ReasoningOptionsGenerateSummaryType0 | Unset):
            context (None | ReasoningOptionsContextType0 | Unset):
    """

    effort: None | ReasoningOptionsEffortType0 | Unset = UNSET
    summary: None | ReasoningOptionsSummaryType0 | Unset = UNSET
    generate_summary: None | ReasoningOptionsGenerateSummaryType0 | Unset = UNSET
    context: None | ReasoningOptionsContextType0 | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        effort: None | str | Unset
        if isinstance(self.effort, Unset):
            effort = UNSET
        elif isinstance(self.effort, str):
            effort = self.effort
        else:
            effort = self.effort

        summary: None | str | Unset
        if isinstance(self.summary, Unset):
            summary = UNSET
        elif isinstance(self.summary, str):
            summary = self.summary
        else:
            summary = self.summary

        generate_summary: None | str | Unset
        if isinstance(self.generate_summary, Unset):
            generate_summary = UNSET
        elif isinstance(self.generate_summary, str):
            generate_summary = self.generate_summary
        else:
            generate_summary = self.generate_summary

        context: None | str | Unset
        if isinstance(self.context, Unset):
            context = UNSET
        elif isinstance(self.context, str):
            context = self.context
        else:
            context = self.context

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update({})
        if effort is not UNSET:
            field_dict["effort"] = effort
        if summary is not UNSET:
            field_dict["summary"] = summary
        if generate_summary is not UNSET:
            field_dict["generate_summary"] = generate_summary
        if context is not UNSET:
            field_dict["context"] = context

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)

        def _parse_effort(data: object) -> None | ReasoningOptionsEffortType0 | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                effort_type_0 = check_reasoning_options_effort_type_0(data)

                return effort_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(None | ReasoningOptionsEffortType0 | Unset, data)

        effort = _parse_effort(d.pop("effort", UNSET))

        def _parse_summary(data: object) -> None | ReasoningOptionsSummaryType0 | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                summary_type_0 = check_reasoning_options_summary_type_0(data)

                return summary_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(None | ReasoningOptionsSummaryType0 | Unset, data)

        summary = _parse_summary(d.pop("summary", UNSET))

        def _parse_generate_summary(data: object) -> None | ReasoningOptionsGenerateSummaryType0 | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                generate_summary_type_0 = check_reasoning_options_generate_summary_type_0(data)

                return generate_summary_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(None | ReasoningOptionsGenerateSummaryType0 | Unset, data)

        generate_summary = _parse_generate_summary(d.pop("generate_summary", UNSET))

        def _parse_context(data: object) -> None | ReasoningOptionsContextType0 | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                context_type_0 = check_reasoning_options_context_type_0(data)

                return context_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(None | ReasoningOptionsContextType0 | Unset, data)

        context = _parse_context(d.pop("context", UNSET))

        reasoning_options = cls(
            effort=effort,
            summary=summary,
            generate_summary=generate_summary,
            context=context,
        )

        reasoning_options.additional_properties = d
        return reasoning_options

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

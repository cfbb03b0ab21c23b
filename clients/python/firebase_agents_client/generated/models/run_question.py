from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.run_question_schema_type_0 import RunQuestionSchemaType0


T = TypeVar("T", bound="RunQuestion")


@_attrs_define
class RunQuestion:
    """A question that a run asks. `call` names it. The answer must be one of `choices`, or fit the `schema`.

    Attributes:
        call (str):
        question (str):
        choices (list[str] | None):
        schema (None | RunQuestionSchemaType0):
        asked_at (datetime.datetime):
        expires_at (datetime.datetime | None):
    """

    call: str
    question: str
    choices: list[str] | None
    schema: None | RunQuestionSchemaType0
    asked_at: datetime.datetime
    expires_at: datetime.datetime | None
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        from ..models.run_question_schema_type_0 import RunQuestionSchemaType0  # noqa: PLC0415

        call = self.call

        question = self.question

        choices: list[str] | None
        if isinstance(self.choices, list):
            choices = self.choices

        else:
            choices = self.choices

        schema: dict[str, Any] | None
        if isinstance(self.schema, RunQuestionSchemaType0):
            schema = self.schema.to_dict()
        else:
            schema = self.schema

        asked_at = self.asked_at.isoformat()

        expires_at: None | str
        if isinstance(self.expires_at, datetime.datetime):
            expires_at = self.expires_at.isoformat()
        else:
            expires_at = self.expires_at

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "call": call,
                "question": question,
                "choices": choices,
                "schema": schema,
                "asked_at": asked_at,
                "expires_at": expires_at,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.run_question_schema_type_0 import RunQuestionSchemaType0  # noqa: PLC0415

        d = dict(src_dict)
        call = d.pop("call")

        question = d.pop("question")

        def _parse_choices(data: object) -> list[str] | None:
            if data is None:
                return data
            try:
                if not isinstance(data, list):
                    raise TypeError()
                choices_type_0 = cast(list[str], data)

                return choices_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(list[str] | None, data)

        choices = _parse_choices(d.pop("choices"))

        def _parse_schema(data: object) -> None | RunQuestionSchemaType0:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                schema_type_0 = RunQuestionSchemaType0.from_dict(data)

                return schema_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(None | RunQuestionSchemaType0, data)

        schema = _parse_schema(d.pop("schema"))

        asked_at = datetime.datetime.fromisoformat(d.pop("asked_at"))

        def _parse_expires_at(data: object) -> datetime.datetime | None:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                expires_at_type_0 = datetime.datetime.fromisoformat(data)

                return expires_at_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None, data)

        expires_at = _parse_expires_at(d.pop("expires_at"))

        run_question = cls(
            call=call,
            question=question,
            choices=choices,
            schema=schema,
            asked_at=asked_at,
            expires_at=expires_at,
        )

        run_question.additional_properties = d
        return run_question

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

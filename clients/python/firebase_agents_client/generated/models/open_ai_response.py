from __future__ import annotations

from collections.abc import Mapping
from typing import (
    TYPE_CHECKING,
    Any,
    Literal,
    TypeVar,
    cast,
)

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.open_ai_response_status import (
    OpenAiResponseStatus,
    check_open_ai_response_status,
)
from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.open_ai_response_error_type_0 import OpenAiResponseErrorType0
    from ..models.open_ai_response_incomplete_details_type_0 import (
        OpenAiResponseIncompleteDetailsType0,
    )
    from ..models.open_ai_response_metadata import OpenAiResponseMetadata
    from ..models.open_ai_response_output_item import OpenAiResponseOutputItem
    from ..models.open_ai_response_usage_type_0 import OpenAiResponseUsageType0


T = TypeVar("T", bound="OpenAiResponse")


@_attrs_define
class OpenAiResponse:
    """A response, as OpenAI documents it, with the items of its `output`. It repeats the fields of its request.

    `usage` is missing until it is known.

        Attributes:
            id (str):
            object_ (Literal['response']):
            created_at (int):
            completed_at (int | None):
            status (OpenAiResponseStatus):
            background (bool):
            model (str):
            error (None | OpenAiResponseErrorType0):
            incomplete_details (None | OpenAiResponseIncompleteDetailsType0):
            output (list[OpenAiResponseOutputItem]):
            previous_response_id (None | str):
            metadata (OpenAiResponseMetadata):
            usage (None | OpenAiResponseUsageType0 | Unset):
    """

    id: str
    object_: Literal["response"]
    created_at: int
    completed_at: int | None
    status: OpenAiResponseStatus
    background: bool
    model: str
    error: None | OpenAiResponseErrorType0
    incomplete_details: None | OpenAiResponseIncompleteDetailsType0
    output: list[OpenAiResponseOutputItem]
    previous_response_id: None | str
    metadata: OpenAiResponseMetadata
    usage: None | OpenAiResponseUsageType0 | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        from ..models.open_ai_response_error_type_0 import OpenAiResponseErrorType0  # noqa: PLC0415
        from ..models.open_ai_response_incomplete_details_type_0 import (
            OpenAiResponseIncompleteDetailsType0,  # noqa: PLC0415
        )
        from ..models.open_ai_response_usage_type_0 import OpenAiResponseUsageType0  # noqa: PLC0415

        id = self.id

        object_ = self.object_

        created_at = self.created_at

        completed_at: int | None
        completed_at = self.completed_at

        status: str = self.status

        background = self.background

        model = self.model

        error: dict[str, Any] | None
        if isinstance(self.error, OpenAiResponseErrorType0):
            error = self.error.to_dict()
        else:
            error = self.error

        incomplete_details: dict[str, Any] | None
        if isinstance(self.incomplete_details, OpenAiResponseIncompleteDetailsType0):
            incomplete_details = self.incomplete_details.to_dict()
        else:
            incomplete_details = self.incomplete_details

        output = []
        for output_item_data in self.output:
            output_item = output_item_data.to_dict()
            output.append(output_item)

        previous_response_id: None | str
        previous_response_id = self.previous_response_id

        metadata = self.metadata.to_dict()

        usage: dict[str, Any] | None | Unset
        if isinstance(self.usage, Unset):
            usage = UNSET
        elif isinstance(self.usage, OpenAiResponseUsageType0):
            usage = self.usage.to_dict()
        else:
            usage = self.usage

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "id": id,
                "object": object_,
                "created_at": created_at,
                "completed_at": completed_at,
                "status": status,
                "background": background,
                "model": model,
                "error": error,
                "incomplete_details": incomplete_details,
                "output": output,
                "previous_response_id": previous_response_id,
                "metadata": metadata,
            }
        )
        if usage is not UNSET:
            field_dict["usage"] = usage

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.open_ai_response_error_type_0 import OpenAiResponseErrorType0  # noqa: PLC0415
        from ..models.open_ai_response_incomplete_details_type_0 import (
            OpenAiResponseIncompleteDetailsType0,  # noqa: PLC0415
        )
        from ..models.open_ai_response_metadata import OpenAiResponseMetadata  # noqa: PLC0415
        from ..models.open_ai_response_output_item import OpenAiResponseOutputItem  # noqa: PLC0415
        from ..models.open_ai_response_usage_type_0 import OpenAiResponseUsageType0  # noqa: PLC0415

        d = dict(src_dict)
        id = d.pop("id")

        object_ = cast(Literal["response"], d.pop("object"))
        if object_ != "response":
            raise ValueError(f"object must match const 'response', got '{object_}'")

        created_at = d.pop("created_at")

        def _parse_completed_at(data: object) -> int | None:
            if data is None:
                return data
            return cast(int | None, data)

        completed_at = _parse_completed_at(d.pop("completed_at"))

        status = check_open_ai_response_status(d.pop("status"))

        background = d.pop("background")

        model = d.pop("model")

        def _parse_error(data: object) -> None | OpenAiResponseErrorType0:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                error_type_0 = OpenAiResponseErrorType0.from_dict(data)

                return error_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(None | OpenAiResponseErrorType0, data)

        error = _parse_error(d.pop("error"))

        def _parse_incomplete_details(data: object) -> None | OpenAiResponseIncompleteDetailsType0:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                incomplete_details_type_0 = OpenAiResponseIncompleteDetailsType0.from_dict(data)

                return incomplete_details_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(None | OpenAiResponseIncompleteDetailsType0, data)

        incomplete_details = _parse_incomplete_details(d.pop("incomplete_details"))

        output = []
        _output = d.pop("output")
        for output_item_data in _output:
            output_item = OpenAiResponseOutputItem.from_dict(output_item_data)

            output.append(output_item)

        def _parse_previous_response_id(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        previous_response_id = _parse_previous_response_id(d.pop("previous_response_id"))

        metadata = OpenAiResponseMetadata.from_dict(d.pop("metadata"))

        def _parse_usage(data: object) -> None | OpenAiResponseUsageType0 | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                usage_type_0 = OpenAiResponseUsageType0.from_dict(data)

                return usage_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(None | OpenAiResponseUsageType0 | Unset, data)

        usage = _parse_usage(d.pop("usage", UNSET))

        open_ai_response = cls(
            id=id,
            object_=object_,
            created_at=created_at,
            completed_at=completed_at,
            status=status,
            background=background,
            model=model,
            error=error,
            incomplete_details=incomplete_details,
            output=output,
            previous_response_id=previous_response_id,
            metadata=metadata,
            usage=usage,
        )

        open_ai_response.additional_properties = d
        return open_ai_response

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

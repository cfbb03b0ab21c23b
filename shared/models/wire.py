"""The base classes of all data on the wire: camelCase on the wire, snake_case in Python; requests may use either.

Responses contain all their fields, including those with a default, as the OpenAPI document states.
"""

from collections.abc import Callable
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, JsonValue, StringConstraints
from pydantic.alias_generators import to_camel

JsonObject = dict[str, JsonValue]
"""Any JSON object. Numbers are finite."""


Address = Annotated[str, StringConstraints(max_length=8000, strip_whitespace=True)]
"""A URL. Surrounding white space, which people often copy along with it, is removed. The syntax is not checked here."""


def empty_for_null(kind: Callable[[], Any]) -> Callable[[Any], Any]:
    """Returns a validator for an optional field: null has the same effect as omitting the field."""
    return lambda value: kind() if value is None else value


OptionalJsonObject = Annotated[JsonObject, BeforeValidator(empty_for_null(dict))]
"""A JSON object, or null for an empty object."""


def is_plain_id(text: str) -> bool:
    """Whether a string can be a document id. The rules: https://firebase.google.com/docs/firestore/quotas."""
    reserved = text in (".", "..") or (text.startswith("__") and text.endswith("__"))
    try:
        size = len(text.encode())
    except UnicodeEncodeError:  # a lone surrogate
        return False
    return not reserved and "/" not in text and "\0" not in text and 0 < size <= 1500


def _check_plain_id(text: str) -> str:
    if not is_plain_id(text):
        raise ValueError("not a valid id: 1 to 1500 bytes without '/' and NUL, not '.', '..' or '__…__'")
    return text


PlainId = Annotated[str, AfterValidator(_check_plain_id)]
"""A string that can be a document id."""


def with_example(**example: Any) -> ConfigDict:
    """Returns a `model_config` that adds an example, in wire format, to the OpenAPI document."""
    return ConfigDict(json_schema_extra={"examples": [example]})


def with_change_example(**example: Any) -> ConfigDict:
    """Like `with_example`, but for a partial change: no field has a default, because only sent fields take effect."""

    def show(schema: dict[str, Any]) -> None:
        schema["examples"] = [example]
        for field in schema["properties"].values():
            field.pop("default", None)

    return ConfigDict(json_schema_extra=show)


REQUEST_AND_RESPONSE = ConfigDict(json_schema_serialization_defaults_required=False)
"""For a model that is used in both requests and responses: gives it one schema, with defaults as optional fields."""


class CamelModel(BaseModel):
    """Written in camelCase, read in either spelling. Unknown fields are ignored."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        populate_by_name=True,
        frozen=True,
        allow_inf_nan=False,
        hide_input_in_errors=True,
        json_schema_serialization_defaults_required=True,
    )


class SnakeModel(BaseModel):
    """The base of shapes whose wire names are snake_case, such as tickets and the provider catalog."""

    model_config = ConfigDict(
        frozen=True,
        allow_inf_nan=False,
        hide_input_in_errors=True,
        json_schema_serialization_defaults_required=True,
    )

"""The base of everything that crosses the wire: camelCase outside, snake_case inside, both accepted.

Answers have all their fields, also those with a default, and the OpenAPI document says so.
"""

from collections.abc import Callable
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, JsonValue, StringConstraints
from pydantic.alias_generators import to_camel

JsonObject = dict[str, JsonValue]
"""Any JSON object. Numbers are finite."""


Address = Annotated[str, StringConstraints(max_length=8000, strip_whitespace=True)]
"""A URL without surrounding white space, which people copy along. Its form is not checked here."""


def empty_for_null(kind: Callable[[], Any]) -> Callable[[Any], Any]:
    """A validator for an optional field: null means the same as leaving it out."""
    return lambda value: kind() if value is None else value


OptionalJsonObject = Annotated[JsonObject, BeforeValidator(empty_for_null(dict))]
"""A JSON object, or null, which means an empty one."""


def is_plain_id(text: str) -> bool:
    """Whether a text can be a document's id: https://firebase.google.com/docs/firestore/quotas."""
    reserved = text in (".", "..") or (text.startswith("__") and text.endswith("__"))
    try:
        size = len(text.encode())
    except UnicodeEncodeError:  # half of a surrogate pair
        return False
    return not reserved and "/" not in text and "\0" not in text and 0 < size <= 1500


def _check_plain_id(text: str) -> str:
    if not is_plain_id(text):
        raise ValueError("not an id: 1 to 1500 bytes without '/' and NUL, not '.', '..' or '__…__'")
    return text


PlainId = Annotated[str, AfterValidator(_check_plain_id)]
"""A text that can be a document's id."""


def with_example(**example: Any) -> ConfigDict:
    """For a model's `model_config`: an example as on the wire, for the OpenAPI document."""
    return ConfigDict(json_schema_extra={"examples": [example]})


def with_change_example(**example: Any) -> ConfigDict:
    """Like `with_example`, for a change: only fields that are sent count, so none has a default."""

    def show(schema: dict[str, Any]) -> None:
        schema["examples"] = [example]
        for field in schema["properties"].values():
            field.pop("default", None)

    return ConfigDict(json_schema_extra=show)


REQUEST_AND_RESPONSE = ConfigDict(json_schema_serialization_defaults_required=False)
"""For a model that is both sent and answered: one schema, in which fields with a default are optional."""


class CamelModel(BaseModel):
    """Written in camelCase; read in either spelling. Unknown fields are ignored."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        populate_by_name=True,
        frozen=True,
        allow_inf_nan=False,
        hide_input_in_errors=True,
        json_schema_serialization_defaults_required=True,
    )


class SnakeModel(BaseModel):
    """For the shapes whose wire names are snake_case (tickets, the provider catalog)."""

    model_config = ConfigDict(
        frozen=True,
        allow_inf_nan=False,
        hide_input_in_errors=True,
        json_schema_serialization_defaults_required=True,
    )
